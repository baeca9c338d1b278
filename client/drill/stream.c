/* One question at the end, or a follower from the beginning whose output is read. */
#include "client/drill/stream.h"

#include "client/drill/box.h"
#include "client/drill/cast.h"
#include "client/read_file.h"

#include <string.h>

#define FOLLOWED BOX_DIR "/log/stream.out"
#define COMPLAINED BOX_DIR "/log/stream.log"

bool stream_forgets(const struct drill *d) {
    const char *options = d->cast.replica_options;
    return options != NULL && strstr(options, "--retain") != NULL;
}

void stream_start(struct scene *s) {
    const char *const argv[] = {"quorate", "alerts", "--follow", "--json", "-c", scene_cluster_path(s), NULL};
    if (stream_forgets(s->drill)) {
        scene_spawn(s, "stream", argv);
    }
}

static uint64_t last_number(struct buffer *lines) {
    uint64_t last = 0;
    for (const char *line = buffer_cstr(lines); *line; line += strspn(line, "\n")) {
        size_t len = strcspn(line, "\n");
        json_t *alert = json_loadb(line, len, 0, NULL);
        uint64_t number = (uint64_t)json_integer_value(json_object_get(alert, "number"));
        last = number > last ? number : last;
        json_decref(alert);
        line += len;
    }
    return last;
}

bool stream_take(struct scene *s, uint64_t up_to, struct buffer *alerts, struct buffer *complaints) {
    const char *words[] = {"alerts", "--json", NULL};
    if (!stream_forgets(s->drill)) {
        return cast_judge_verb(s->cast, words, alerts, complaints) == 0;
    }
    read_file(complaints, COMPLAINED); /* there may be none yet */
    return read_file(alerts, FOLLOWED) && last_number(alerts) >= up_to;
}
