/* An operator's comments as processes of the stage: each asks until it is answered, however long the fault lasts. What
   became of them is counted once everything is healed. */
#include "client/drill/remarks.h"

#include "client/drill/stage.h"

#include <stdio.h>
#include <string.h>

enum { COME_S = 90 };

void remark_text(char out[32], unsigned number) {
    snprintf(out, 32, "remark %u", number);
}

unsigned remark_count(const json_t *list, unsigned number) {
    const json_t *line;
    size_t i;
    unsigned count = 0;
    char text[32];
    remark_text(text, number);
    json_array_foreach(list, i, line) {
        const char *comment = json_string_value(json_object_get(line, "comment"));
        count += comment != NULL && strcmp(comment, text) == 0;
    }
    return count;
}

const char *scene_remark_text(struct scene *s) {
    static char text[32];
    remark_text(text, ++s->remarks);
    return text;
}

void scene_remark(struct scene *s) {
    char name[24];
    const char *text = scene_remark_text(s);
    snprintf(name, sizeof name, "remark-%u", s->remarks);
    const char *const argv[] = {"quorate",   "comment",
                                "web1",      "ssh",
                                "-m",        text,
                                "-c",        scene_cluster_path(s),
                                "-k",        scene_key_path(s, "operator"),
                                "--timeout", "600s",
                                NULL};
    scene_may_end(s, scene_spawn(s, name, argv));
}

/* Each of them; *twice is the first that stands there more than once, 0: none. */
static bool look(struct scene *s, unsigned *twice) {
    json_t *list = scene_ask(s, "comment", "--list", NULL);
    bool all = true;
    *twice = 0;
    for (unsigned i = s->remarks; i > 0; i--) {
        unsigned count = remark_count(list, i);
        all &= count > 0;
        *twice = count > 1 ? i : *twice;
    }
    json_decref(list);
    return all;
}

static bool all_are_there(struct scene *s, int64_t unused) {
    unsigned twice;
    (void)unused;
    return look(s, &twice);
}

void remarks_judge(struct scene *s) {
    unsigned twice;
    if (s->remarks == 0) {
        return;
    }
    scene_must(s, PROMISE_LIVENESS, COME_S, all_are_there, 0, "what an operator remarked meanwhile is there");
    look(s, &twice);
    if (twice > 0) {
        scene_broken(s, PROMISE_VALIDITY, "remark %u of the operator took effect more than once", twice);
    }
}
