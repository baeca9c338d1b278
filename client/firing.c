/* The set is a JSON object: what a condition is called -> {"told_ms": when, "alert": as it was posted}. */
#include "client/firing.h"

#include "base/invariant.h"
#include "client/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct firing {
    char *path, *aside;
    struct payload_cluster cluster;
    json_t *set;
    time_ms newest; /* agreed time of the newest alert seen */
    bool unsaved;   /* the file holds another set */
};

static void put(json_t *object, const char *key, json_t *value) {
    int failed = json_object_set_new(object, key, value);
    ENSURE(failed == 0);
}

static void push(json_t *array, json_t *value) {
    int failed = json_array_append_new(array, value);
    ENSURE(failed == 0);
}

static json_t *shared(const json_t *value) {
    return json_incref((json_t *)(uintptr_t)value);
}

/* --- the file --- */

static enum error refuse(struct buffer *why, const char *path, const char *what, enum error e) {
    buffer_printf(why, "%s: %s: move it away; what fires is then repeated from its next PROBLEM on", what, path);
    return e;
}

static bool well_formed(const json_t *set) {
    const char *name;
    json_t *entry;
    if (!json_is_object(set)) {
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)set, name, entry) {
        const json_t *alert = json_object_get(entry, "alert");
        if (!json_is_integer(json_object_get(entry, "told_ms")) || !json_is_object(json_object_get(alert, "labels")) ||
            !json_is_string(json_object_get(alert, "startsAt"))) {
            return false;
        }
    }
    return true;
}

static json_t *cluster_text(const struct firing *f) {
    char id[2 * CLUSTER_ID_LEN + 1];
    hex_encode(id, bytes_of(f->cluster.id.b, CLUSTER_ID_LEN));
    return json_string(id);
}

static enum error load(struct firing *f, struct buffer *why) {
    json_error_t error;
    FILE *file = fopen(f->path, "re");
    if (file == NULL) {
        return errno == ENOENT ? ERR_OK : durable_refusal(why, f->path, "read");
    }
    json_t *whole = json_loadf(file, JSON_REJECT_DUPLICATES, &error), *mine = cluster_text(f);
    fclose(file);
    json_t *set = json_object_get(whole, "firing"), *cluster = json_object_get(whole, "cluster");
    enum error e = ERR_OK;
    if (!json_is_string(cluster) || !well_formed(set)) {
        e = refuse(why, f->path, "is damaged", ERR_CORRUPT);
    } else if (!json_equal(cluster, mine)) {
        e = refuse(why, f->path, "tells of another cluster", ERR_FOREIGN_CLUSTER);
    } else {
        json_decref(f->set);
        f->set = shared(set);
    }
    json_decref(mine);
    json_decref(whole);
    return e;
}

static bool write_aside(const struct firing *f, struct bytes text) {
    int fd = open(f->aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && durable_write_all(fd, text) && fsync(fd) == 0;
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    return ok && rename(f->aside, f->path) == 0 && durable_sync_directory(f->path);
}

static enum error store(const struct firing *f, json_t *set, struct buffer *why) {
    json_t *whole = json_object();
    put(whole, "cluster", cluster_text(f));
    put(whole, "firing", shared(set));
    char *text = json_dumps(whole, JSON_COMPACT);
    ENSURE(text != NULL);
    enum error e = write_aside(f, bytes_of_text(text)) ? ERR_OK : durable_refusal(why, f->aside, "write");
    free(text);
    json_decref(whole);
    return e;
}

enum error firing_open(struct firing **out, const char *path, const struct payload_cluster *cluster,
                       struct buffer *why) {
    struct firing *f = xcalloc(1, sizeof *f);
    struct buffer aside = {0};
    buffer_printf(&aside, "%s.tmp", path);
    *f = (struct firing){.path = xstrdup(path),
                         .aside = xstrdup(buffer_cstr(&aside)),
                         .cluster = {.id = cluster->id, .name = xstrdup(cluster->name)},
                         .set = json_object()};
    buffer_free(&aside);
    enum error e = load(f, why);
    if (e != ERR_OK) {
        firing_close(f);
        f = NULL;
    }
    *out = f;
    return e;
}

void firing_close(struct firing *f) {
    if (f != NULL) {
        json_decref(f->set);
        free(f->path);
        free(f->aside);
        free((char *)(uintptr_t)f->cluster.name);
        free(f);
    }
}

unsigned firing_count(const struct firing *f) {
    return (unsigned)json_object_size(f->set);
}

/* --- what follows from an alert --- */

static void begin(json_t *set, const char *name, const struct alert *a, json_t *alert, json_t *posts) {
    const json_t *before = json_object_get(json_object_get(set, name), "alert");
    if (before != NULL && !json_equal(json_object_get(before, "labels"), json_object_get(alert, "labels"))) {
        push(posts, payload_ended(before, a->t));
    }
    json_t *entry = json_object();
    put(entry, "told_ms", json_integer(a->t));
    put(entry, "alert", shared(alert));
    put(set, name, entry);
    push(posts, alert);
}

static void end(json_t *set, const char *name, const struct alert *a, json_t *alert, json_t *posts) {
    const json_t *before = json_object_get(json_object_get(set, name), "alert");
    if (before == NULL) {
        push(posts, alert);
        return;
    }
    push(posts, payload_ended(before, a->t));
    json_object_del(set, name);
    json_decref(alert);
}

json_t *firing_plan(struct firing *f, const struct alert *const *alerts, unsigned count, json_t *posts) {
    json_t *set = json_copy(f->set);
    struct buffer name = {0};
    ENSURE(set != NULL);
    for (unsigned i = 0; i < count; i++) {
        f->newest = alerts[i]->t > f->newest ? alerts[i]->t : f->newest;
        json_t *alert = payload_alert(alerts[i], &f->cluster);
        buffer_clear(&name);
        payload_identity(&name, alerts[i]);
        switch (payload_effect(alerts[i]->type)) {
        case PAYLOAD_FIRES:
            begin(set, buffer_cstr(&name), alerts[i], alert, posts);
            break;
        case PAYLOAD_ENDS:
            end(set, buffer_cstr(&name), alerts[i], alert, posts);
            break;
        case PAYLOAD_ONCE:
            push(posts, alert);
            break;
        }
    }
    buffer_free(&name);
    return set;
}

enum error firing_commit(struct firing *f, json_t *set, struct buffer *why) {
    f->unsaved = f->unsaved || !json_equal(set, f->set);
    json_decref(f->set);
    f->set = set;
    return firing_save(f, why);
}

enum error firing_save(struct firing *f, struct buffer *why) {
    enum error e = f->unsaved ? store(f, f->set, why) : ERR_OK;
    f->unsaved = e != ERR_OK;
    return e;
}

static time_ms told_at(const json_t *entry) {
    return json_integer_value(json_object_get(entry, "told_ms"));
}

/* This machine's clock decides nothing: a step of it would end everything that fires. */
unsigned firing_list(const struct firing *f, time_ms repeat_for, json_t *posts) {
    unsigned left_out = 0;
    const char *name;
    json_t *entry;
    time_ms newest = f->newest;
    json_object_foreach(f->set, name, entry) {
        newest = told_at(entry) > newest ? told_at(entry) : newest;
    }
    json_object_foreach(f->set, name, entry) {
        if (newest - told_at(entry) > repeat_for) {
            left_out++;
        } else {
            push(posts, shared(json_object_get(entry, "alert")));
        }
    }
    return left_out;
}
