/* A receiver of deliveries for the end-to-end tests: receiver http|mail PORT CODE... answers with the codes in order,
   the last one from then on, and prints a line for each request: of HTTP the Idempotency-Key (or -) and the body, of
   mail the recipient and the Message-ID. */
#include "tests/unit/receiver.h"

enum { CODES_MAX = 16 };

static const char *after(const char *text, const char *name, char *out, size_t size) {
    const char *at = strstr(text, name);
    snprintf(out, size, "%.*s", at == NULL ? 1 : (int)strcspn(at + strlen(name), "\r\n"),
             at == NULL ? "-" : at + strlen(name));
    return out;
}

static void print(void *context, unsigned nth) {
    const struct receiver *r = context;
    const struct received *got = &r->list[nth % RECEIVER_KEPT];
    char one[256], two[256];
    if (r->mail) {
        printf("%s\t%s\n", after(got->head, "RCPT TO:", one, sizeof one),
               after(got->body, "Message-ID: ", two, sizeof two));
    } else {
        printf("%s\t%s\n", after(got->head, "Idempotency-Key: ", one, sizeof one), got->body);
    }
    fflush(stdout);
}

int main(int argc, char **argv) {
    static struct receiver r;
    static int codes[CODES_MAX];
    if (argc < 4 || argc > 3 + CODES_MAX) {
        fputs("usage: receiver http|mail PORT CODE...\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        codes[i - 3] = atoi(argv[i]);
    }
    r = (struct receiver){.mail = strcmp(argv[1], "mail") == 0,
                          .port = (unsigned short)atoi(argv[2]),
                          .answers = codes,
                          .answer_count = (unsigned)argc - 3,
                          .before_answer = print,
                          .context = &r};
    if (!receiver_start(&r)) {
        fputs("receiver: cannot listen\n", stderr);
        return 1;
    }
    pthread_join(r.thread, NULL);
    return 0;
}
