/* What an apply costs: objects parsed, encoded, decoded and put in force, timed step by step, beside a plain copy of
   the same bytes as a measure of the machine. */
#include "checks/objects.h"

#include "checks/monitor.h"
#include "tests/unit/many_objects.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double step(const char *what, double before) {
    double after = now();
    printf("%-28s %8.3f s\n", what, after - before);
    return after;
}

static bool everybody(void *self, const char *observer) {
    (void)self;
    return observer[0] != '\0';
}
static bool everywhere(void *self, const char *observer, const char *host) {
    (void)self;
    return observer[0] != '\0' && host[0] != '\0';
}

static int run(struct buffer *text, struct buffer *bytes, struct buffer *why) {
    static const struct monitor_authority authority = {NULL, everybody, everywhere};
    struct monitor_config config = {0};
    struct object_source source = {"many.cfg", buffer_bytes(text)};
    struct objects *o = NULL, *again = NULL;
    double start = now(), t = start;
    if (objects_parse(&o, &source, 1, NULL, NULL, why) != ERR_OK) {
        return 1;
    }
    t = step("text to objects", t);
    objects_encode(bytes, o);
    t = step("objects to bytes", t);
    if (objects_decode(&again, buffer_bytes(bytes), why) != ERR_OK) {
        return 1;
    }
    t = step("bytes to objects", t);
    objects_diff(NULL, NULL, o, again);
    t = step("the plan", t);
    struct monitor *m = monitor_new(&config);
    enum error e = monitor_apply(m, buffer_bytes(bytes), &authority, NULL, why);
    t = step("the first apply", t);
    if (e == ERR_OK) {
        e = monitor_apply(m, buffer_bytes(bytes), &authority, NULL, why);
        t = step("the same again", t);
    }
    printf("%-28s %8.3f s\n", "all", t - start);
    monitor_free(m);
    objects_free(o);
    objects_free(again);
    return e == ERR_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    unsigned hosts = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000;
    unsigned services = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 20;
    struct buffer text = {0}, bytes = {0}, why = {0};
    if (argc > 3 || hosts < 1 || hosts > 50000 || services < 8 || services > 99) {
        fprintf(stderr, "usage: %s [HOSTS 1-50000 [SERVICES 8-99]]\n", argv[0]);
        return 2;
    }
    struct many m = many_objects(&text, hosts, services);
    printf("%u hosts, %u services, %u escalations, %u dependencies: %zu bytes of text\n", m.hosts, m.services,
           m.host_escalations + m.service_escalations, m.host_dependencies + m.service_dependencies, text.len);
    int code = run(&text, &bytes, &why);
    if (code != 0) {
        fprintf(stderr, "%s", buffer_cstr(&why));
    }
    printf("%zu bytes of objects\n", bytes.len);
    buffer_free(&text);
    buffer_free(&bytes);
    buffer_free(&why);
    return code;
}
