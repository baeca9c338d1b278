/* The cluster of a stage and what it watches, made as an operator makes them: `quorate init`, a few lines changed,
   `quorate apply`. */
#include "base/clock.h"
#include "client/drill/cast_parts.h"
#include "crypto/keyfile.h"

#include <stdlib.h>
#include <string.h>

enum { INIT_MS = 60000, APPLY_MS = 120000, FRESHNESS_S = 300 /* above cluster_gap_ms and every deadline of a play */ };

/* ---- cluster.yaml ---- */

static void name_hosts(const struct cast *c, struct buffer *out) {
    if (!c->drill->cast.network) {
        buffer_printf(out, "127.0.0.1");
        return;
    }
    for (unsigned i = 0; i < c->members; i++) {
        buffer_printf(out, "%s10.77.0.%u", i == 0 ? "" : ",", 10 + i);
    }
}

static void name_observers(const struct cast *c, struct buffer *out) {
    for (unsigned i = 0; i < c->observers; i++) {
        buffer_printf(out, "%s,", c->agent[i].name);
    }
    buffer_printf(out, "load");
}

static enum error run_init(struct cast *c, struct buffer *why) {
    struct buffer hosts = {0}, observers = {0}, said = {0};
    char members[8], port[8];
    name_hosts(c, &hosts);
    name_observers(c, &observers);
    snprintf(members, sizeof members, "%u", c->members);
    snprintf(port, sizeof port, "%d", CAST_BASE_PORT);
    static const char directory[] = BOX_DIR "/cluster";
    const char *argv[] = {c->quorate,          "init",        directory,
                          "--replicas",        members,       "--hosts",
                          buffer_cstr(&hosts), "--observers", buffer_cstr(&observers),
                          "--base-port",       port,          NULL};
    struct process_job job = {.path = c->quorate, .argv = argv, .net = -1, .waiting = cast_alive, .self = c};
    int status = process_run(&job, bytes_of("", 0), &said, &said, INIT_MS);
    if (status != 0) {
        buffer_printf(why, "quorate init ended with %d: %s", status, buffer_cstr(&said));
    }
    buffer_free(&hosts);
    buffer_free(&observers);
    buffer_free(&said);
    return status == 0 ? ERR_OK : ERR_IO;
}

/* Of several notifiers each has a key of its own. */
static enum error add_notifiers(struct cast *c, struct cluster *cluster, struct buffer *why) {
    enum error e = ERR_OK;
    for (unsigned i = 0; i < c->notifiers && c->notifiers > 1 && e == ERR_OK; i++) {
        struct cluster_operator *o = &cluster->operators[cluster->operator_count++];
        struct keyfile key = {0};
        struct buffer path = {0};
        snprintf(o->name, sizeof o->name, "notify-%u", i);
        snprintf(key.name, sizeof key.name, "notify-%u", i);
        crypto_keypair(&key.pk, &key.sk);
        o->key = key.pk;
        o->roles = OPERATOR_NOTIFY;
        buffer_printf(&path, CAST_KEYS "/%s.key", key.name);
        e = keyfile_write(buffer_cstr(&path), &key, why);
        crypto_wipe(&key, sizeof key);
        buffer_free(&path);
    }
    return e;
}

/* Puts "name: value" in the place of the line that has that name; false: there is none. */
static bool replace_line(struct buffer *text, const char *line, size_t len) {
    const char *colon = memchr(line, ':', len);
    size_t name = colon ? (size_t)(colon - line) + 1 : 0;
    const char *all = buffer_cstr(text), *at = all;
    struct buffer next = {0};
    while (name > 0 && at && strncmp(at + strspn(at, " "), line, name) != 0) {
        at = strchr(at, '\n');
        at = at && at[1] ? at + 1 : NULL;
    }
    if (name == 0 || !at) {
        return false;
    }
    const char *end = at + strcspn(at, "\n");
    buffer_put(&next, all, (size_t)(at - all));
    buffer_printf(&next, "  %.*s", (int)len, line);
    buffer_put(&next, end, strlen(end));
    buffer_free(text);
    *text = next;
    return true;
}

/* A stage often stands on a machine that does much besides, and what is slow there is no fault. */
static const char patience[] = "request_timeout_ms: 1500\nsilent_ms: 10000\ncluster_gap_ms: 120000\n";

static enum error turn_knobs(const char *knobs, struct buffer *text, struct buffer *why) {
    for (const char *at = knobs; at && *at; at += strspn(at, " \n")) {
        size_t len = strcspn(at, "\n");
        if (!replace_line(text, at, len)) {
            buffer_printf(why, "cluster.yaml knows no such knob: %.*s: correct the drill", (int)len, at);
            return ERR_NOT_FOUND;
        }
        at += len;
    }
    return ERR_OK;
}

static enum error change_cluster(struct cast *c, struct buffer *why) {
    struct cluster *cluster = NULL;
    struct buffer text = {0};
    enum error e = cluster_load(&cluster, CAST_CLUSTER, why);
    if (e == ERR_OK) {
        cluster->drills = DRILLS_SANDBOX;
        e = add_notifiers(c, cluster, why);
    }
    if (e == ERR_OK) {
        cluster_write(&text, cluster);
        e = turn_knobs(patience, &text, why);
        e = e == ERR_OK ? turn_knobs(c->drill->cast.knobs, &text, why) : e;
    }
    if (e == ERR_OK && !cast_put_file(CAST_CLUSTER, buffer_bytes(&text), 0644)) {
        buffer_printf(why, "cannot be written: %s: make room in memory", CAST_CLUSTER);
        e = ERR_IO;
    }
    cluster_free(cluster);
    buffer_free(&text);
    return e == ERR_OK ? cluster_load(&c->cluster, CAST_CLUSTER, why) : e;
}

enum error cast_make_cluster(struct cast *c, struct buffer *why) {
    enum error e = run_init(c, why);
    return e == ERR_OK ? change_cluster(c, why) : e;
}

/* ---- what is watched ---- */

static const char templates[] = "define command {\n command_name check\n command_line /bin/true\n}\n"
                                "define contact {\n contact_name oncall\n host_notification_commands check\n"
                                " service_notification_commands check\n}\n"
                                "define host {\n name stage-host\n register 0\n max_check_attempts 1\n"
                                " check_interval 1\n retry_interval 1\n contacts oncall\n notification_interval 0\n}\n"
                                "define service {\n name stage-service\n register 0\n check_command check\n"
                                " max_check_attempts 1\n check_interval 1\n retry_interval 1\n"
                                " notification_interval 0\n contacts oncall\n}\n";

static void put_object(struct buffer *out, const char *host, const char *service, const char *observers,
                       unsigned freshness) {
    bool is_host = *service == '\0';
    buffer_printf(out, "define %s {\n use stage-%s\n host_name %s\n", is_host ? "host" : "service",
                  is_host ? "host" : "service", host);
    if (!is_host) {
        buffer_printf(out, " service_description %s\n", service);
    }
    if (freshness > 0) {
        buffer_printf(out, " freshness_threshold %u\n", freshness);
    }
    buffer_printf(out, " check_freshness %d\n _OBSERVERS %s\n}\n", freshness > 0, observers);
}

static void write_objects(const struct cast *c, struct buffer *out) {
    struct buffer observers = {0};
    name_observers(c, &observers);
    observers.len -= strlen(",load");
    const char *all = buffer_cstr(&observers);
    buffer_printf(out, "%s", templates);
    put_object(out, "web1", "", all, FRESHNESS_S);
    put_object(out, "db1", "", all, FRESHNESS_S);
    put_object(out, "web1", "http", all, FRESHNESS_S);
    put_object(out, "web1", "ssh", all, FRESHNESS_S);
    put_object(out, "db1", "sql", all, FRESHNESS_S);
    put_object(out, "load", "", "load", 0);
    for (unsigned i = 0; i < CAST_LOAD_SERVICES; i++) {
        char name[8];
        snprintf(name, sizeof name, "s%u", i);
        put_object(out, "load", name, "load", 0);
    }
    if (c->drill->cast.objects) {
        buffer_printf(out, "%s\n", c->drill->cast.objects);
    }
    buffer_free(&observers);
}

/* Again and again, in steps, so that a cluster whose replicas end is not waited for. */
static int apply(struct cast *c, const char *path, struct buffer *said) {
    const char *words[] = {"apply", path, "--timeout", "20s", NULL};
    mono_ms deadline = clock_mono() + APPLY_MS;
    int status;
    do {
        buffer_clear(said);
        status = cast_verb(c, "operator", words, bytes_of("", 0), said, said, APPLY_MS);
    } while (status != 0 && clock_mono() < deadline && !cast_any_ended(c));
    return status;
}

enum error cast_make_objects(struct cast *c, struct buffer *why) {
    static const char main_file[] = "interval_length=1\ncfg_file=objects.cfg\n", path[] = BOX_DIR "/nagios.cfg";
    struct buffer text = {0}, said = {0};
    write_objects(c, &text);
    bool good = cast_put_file(path, bytes_of_text(main_file), 0644) &&
                cast_put_file(BOX_DIR "/objects.cfg", buffer_bytes(&text), 0644);
    int status = good ? apply(c, path, &said) : -1;
    if (status != 0) {
        buffer_printf(why, "quorate apply ended with %d: %s", status, buffer_cstr(&said));
    }
    buffer_free(&text);
    buffer_free(&said);
    return status == 0 ? ERR_OK : ERR_IO;
}
