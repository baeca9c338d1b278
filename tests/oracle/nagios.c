/* The other side of the oracle: a real nagios4 in a directory of its own, under a clock that the oracle moves
   (clock.c). Results go in through the command file, all of one second at once, then a harmless command whose line in
   the log says that all before it were taken. */
#include "tests/oracle/oracle.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

struct nagios {
    const char *directory;
    pid_t pid;
    int commands, log;
    int64_t *clock;
    uint64_t fences;
    struct buffer seen; /* of the log */
};

/* ---- its directory ---- */

static void path_in(char *out, size_t size, const char *directory, const char *name) {
    snprintf(out, size, "%s/%s", directory, name);
}

static bool write_file(const char *directory, const char *name, struct bytes text) {
    char path[256];
    path_in(path, sizeof path, directory, name);
    FILE *f = fopen(path, "w");
    bool good = f && fwrite(text.data, 1, text.len, f) == text.len;
    return f && fclose(f) == 0 && good;
}

static void describe_main(const struct sequence *s, const char *dir, struct buffer *out) {
    static const char *const files[][2] = {{"log_file", "nagios.log"},
                                           {"cfg_file", "objects.cfg"},
                                           {"object_cache_file", "objects.cache"},
                                           {"precached_object_file", "objects.precache"},
                                           {"status_file", "status.dat"},
                                           {"command_file", "commands"},
                                           {"lock_file", "lock"},
                                           {"temp_file", "temp"},
                                           {"temp_path", ""},
                                           {"check_result_path", "results"},
                                           {"state_retention_file", "retention.dat"},
                                           {"query_socket", "query"}};
    for (unsigned i = 0; i < sizeof files / sizeof files[0]; i++) {
        buffer_printf(out, "%s=%s/%s\n", files[i][0], dir, files[i][1]);
    }
    const struct passwd *user = getpwuid(geteuid());
    buffer_printf(out, "nagios_user=%s\nnagios_group=%u\n", user ? user->pw_name : "root", getegid());
    buffer_printf(
        out,
        "interval_length=1\nuse_syslog=0\nlog_rotation_method=n\ncheck_external_commands=1\n"
        "log_external_commands=1\nlog_passive_checks=1\nlog_service_retries=1\nlog_host_retries=1\n"
        "log_event_handlers=0\nlog_initial_states=0\nlog_current_states=0\ncheck_workers=1\n"
        "notification_timeout=100000\n"
        "enable_notifications=1\nenable_event_handlers=0\nexecute_service_checks=1\n"
        "execute_host_checks=1\naccept_passive_service_checks=1\naccept_passive_host_checks=1\n"
        "translate_passive_host_checks=1\npassive_host_checks_are_soft=1\n"
        "check_service_freshness=0\ncheck_host_freshness=0\ncheck_for_orphaned_services=0\n"
        "check_for_orphaned_hosts=0\nretain_state_information=0\nprocess_performance_data=0\n"
        "enable_predictive_host_dependency_checks=0\nenable_predictive_service_dependency_checks=0\n"
        "check_for_updates=0\nstatus_update_interval=100000\ncheck_result_reaper_frequency=100000\ndebug_level=0\n");
    buffer_printf(out, "enable_flap_detection=%d\n", s->flap_detection);
    for (unsigned i = 0; i < 2; i++) {
        buffer_printf(out, "low_%s_flap_threshold=%.1f\nhigh_%s_flap_threshold=%.1f\n", i ? "service" : "host",
                      s->low_flap[i], i ? "service" : "host", s->high_flap[i]);
    }
}

static bool furnish(const struct sequence *s, const char *dir, struct buffer *why) {
    char results[256];
    struct buffer text = {0};
    int64_t now[8] = {ORACLE_BEGIN};
    path_in(results, sizeof results, dir, "results");
    describe_main(s, dir, &text);
    bool good = mkdir(results, 0700) == 0 && write_file(dir, "nagios.cfg", buffer_bytes(&text)) &&
                write_file(dir, "objects.cfg", buffer_bytes(&s->objects)) &&
                write_file(dir, "clock", (struct bytes){(const uint8_t *)now, sizeof now});
    buffer_free(&text);
    if (!good) {
        buffer_printf(why, "%s: %s", dir, strerror(errno));
    }
    return good;
}

/* ---- the process ---- */

static void become_nagios(const char *dir, const char *nagios4, const char *clock) {
    char config[256], clock_file[256], out[256];
    path_in(config, sizeof config, dir, "nagios.cfg");
    path_in(clock_file, sizeof clock_file, dir, "clock");
    path_in(out, sizeof out, dir, "out");
    int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct rlimit no_core = {0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(dir) < 0) {
        _exit(126);
    }
    setenv("LD_PRELOAD", clock, 1);
    setenv("ORACLE_CLOCK", clock_file, 1);
    setenv("TZ", "UTC", 1);
    execl(nagios4, nagios4, config, (char *)NULL);
    _exit(127);
}

static bool is_dead(struct nagios *n) {
    if (n->pid > 0 && waitpid(n->pid, NULL, WNOHANG) == n->pid) {
        n->pid = 0;
    }
    return n->pid == 0;
}

static void rest(void) {
    struct timespec moment = {.tv_nsec = 50 * 1000};
    nanosleep(&moment, NULL);
}

/* Tries until it works, nagios dies, or patience ends. */
static int open_patiently(struct nagios *n, const char *name, int flags) {
    char path[256];
    path_in(path, sizeof path, n->directory, name);
    for (unsigned i = 0; i < PATIENCE_MS * 10 && !is_dead(n); i++) {
        int fd = open(path, flags | O_CLOEXEC);
        if (fd >= 0) {
            return fd;
        }
        rest();
    }
    return -1;
}

static bool nagios_begin(struct nagios *n, const char *nagios4, const char *clock, struct buffer *why) {
    int fd = open_patiently(&(struct nagios){.directory = n->directory, .pid = -1}, "clock", O_RDWR);
    n->clock = mmap(NULL, sizeof *n->clock, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    n->pid = fork();
    if (n->pid == 0) {
        become_nagios(n->directory, nagios4, clock);
    }
    n->commands = open_patiently(n, "commands", O_WRONLY | O_NONBLOCK);
    n->log = open_patiently(n, "nagios.log", O_RDONLY);
    if (n->clock == MAP_FAILED || n->commands < 0 || n->log < 0) {
        buffer_printf(why, "%s does not run: see %s/out", nagios4, n->directory);
        return false;
    }
    return fcntl(n->commands, F_SETFL, 0) == 0;
}

static void nagios_end(struct nagios *n) {
    if (n->pid > 0) {
        kill(n->pid, SIGTERM);
        waitpid(n->pid, NULL, 0);
    }
    if (n->commands >= 0) {
        close(n->commands);
    }
    if (n->log >= 0) {
        close(n->log);
    }
    munmap(n->clock, sizeof *n->clock);
    buffer_free(&n->seen);
}

/* ---- commands ---- */

void step_command(char *out, size_t size, const struct sequence *s, const struct step *step) {
    const struct plan_object *o = &s->plan[step->object];
    if (step->kind == STEP_COMMAND || step->kind == STEP_TIME) {
        snprintf(out, size, "%s", step->command);
    } else if (o->is_host) {
        snprintf(out, size, "PROCESS_HOST_CHECK_RESULT;%s;%u;%s", o->host, step->state, step->text);
    } else {
        snprintf(out, size, "PROCESS_SERVICE_CHECK_RESULT;%s;%s;%u;%s", o->host, o->service, step->state, step->text);
    }
}

static bool write_all(int fd, struct bytes text) {
    for (size_t at = 0; at < text.len;) {
        ssize_t wrote = write(fd, text.data + at, text.len - at);
        if (wrote < 0 && errno != EINTR) {
            return false;
        }
        at += wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

static void read_log(struct nagios *n) {
    ssize_t got;
    do {
        uint8_t piece[4096];
        got = read(n->log, piece, sizeof piece);
        if (got > 0) {
            buffer_put(&n->seen, piece, (size_t)got);
        }
    } while (got > 0);
}

/* Until all that was written is done. */
static bool fence(struct nagios *n, struct buffer *why) {
    char mark[64];
    size_t from = n->seen.len;
    snprintf(mark, sizeof mark, "DISABLE_PERFORMANCE_DATA;fence %llu\n", (unsigned long long)++n->fences);
    struct buffer line = {0};
    buffer_printf(&line, "[%lld] %s", (long long)*n->clock, mark);
    bool wrote = write_all(n->commands, buffer_bytes(&line));
    buffer_free(&line);
    for (unsigned i = 0; wrote && i < PATIENCE_MS * 10; i++) {
        read_log(n);
        if (strstr(buffer_cstr(&n->seen) + from, mark)) {
            return true;
        }
        if (is_dead(n)) {
            break;
        }
        rest();
    }
    buffer_printf(why, "nagios takes no commands: see %s", n->directory);
    return false;
}

static bool fences(struct nagios *n, unsigned count, struct buffer *why) {
    bool good = true;
    for (unsigned i = 0; i < count && good; i++) {
        good = fence(n, why);
    }
    return good;
}

/* In one turn Nagios takes what came in, then one event that is due. What a second brings by itself is handled before
   what was said in it, and what a command brings before the next one. Only downtime makes events; those that a leap of
   the clock left behind are handled a second before, not in one that has its own. */
enum { TURNS_OF_A_SECOND = 4, TURNS_OF_A_COMMAND = 2 };

static bool feed_second(struct nagios *n, const struct sequence *s, size_t *at, struct buffer *why) {
    struct buffer text = {0};
    bool good = true;
    if (s->downtimes > 0 && *n->clock < s->steps[*at].t - 1) {
        *n->clock = s->steps[*at].t - 1;
        good = fences(n, TURNS_OF_A_SECOND, why);
    }
    *n->clock = s->steps[*at].t;
    good = good && (s->downtimes == 0 || fences(n, TURNS_OF_A_SECOND, why));
    while (good && *at < s->count && s->steps[*at].t == *n->clock) {
        char command[192];
        step_command(command, sizeof command, s, &s->steps[(*at)++]);
        buffer_printf(&text, "[%lld] %s\n", (long long)*n->clock, command);
        if (s->downtimes > 0) {
            good = write_all(n->commands, buffer_bytes(&text)) && fences(n, TURNS_OF_A_COMMAND, why);
            buffer_clear(&text);
        }
    }
    good = good && (text.len == 0 || (write_all(n->commands, buffer_bytes(&text)) && fence(n, why)));
    buffer_free(&text);
    return good;
}

static bool feed(struct nagios *n, const struct sequence *s, struct buffer *why) {
    bool good = fence(n, why);
    for (size_t at = 0; good && at < s->count;) {
        good = feed_second(n, s, &at, why);
    }
    return good;
}

bool nagios_run(struct sequence *s, const char *nagios4, const char *clock, const char *directory, struct buffer *why) {
    struct nagios n = {.directory = directory, .commands = -1, .log = -1};
    if (!furnish(s, directory, why)) {
        return false;
    }
    bool good = nagios_begin(&n, nagios4, clock, why) && feed(&n, s, why) && nagios_read(s, buffer_bytes(&n.seen), why);
    nagios_end(&n);
    return good;
}
