/* Runs a fuzzer's function over the files of directories, without libFuzzer: what fuzzing once found is tried again by
   every build. A file that breaks a promise ends the program, which names it first. */
#include "base/bytes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static void replay_file(const char *path) {
    struct buffer text = {0};
    FILE *file = fopen(path, "rb");
    uint8_t block[4096];
    size_t len;
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    while ((len = fread(block, 1, sizeof block, file)) > 0) {
        buffer_put(&text, block, len);
    }
    fclose(file);
    uint8_t *exact = xcalloc(1, text.len + 1); /* so that a sanitizer sees reads past the end */
    exact = xrealloc(exact, text.len ? text.len : 1);
    if (text.len) {
        memcpy(exact, text.data, text.len);
    }
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(exact, text.len);
    free(exact);
    buffer_free(&text);
}

static unsigned replay_directory(const char *path) {
    struct dirent **list = NULL;
    int count = scandir(path, &list, NULL, alphasort);
    unsigned replayed = 0;
    if (count < 0) {
        replay_file(path);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        struct buffer name = {0};
        if (list[i]->d_name[0] != '.') {
            buffer_printf(&name, "%s/%s", path, list[i]->d_name);
            replay_file(buffer_cstr(&name));
            replayed++;
        }
        buffer_free(&name);
        free(list[i]);
    }
    free(list);
    return replayed;
}

int main(int argc, char **argv) {
    unsigned replayed = 0;
    if (LLVMFuzzerInitialize != NULL) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    for (int i = 1; i < argc; i++) {
        replayed += replay_directory(argv[i]);
    }
    printf("%s 1 - %u kept inputs keep every promise\n1..1\n", replayed ? "ok" : "not ok", replayed);
    return replayed ? 0 : 1;
}
