/* quorate init and keygen: the genesis of a cluster and its keys. On one machine init makes all keys for a try-out; for
   real, each host makes its own with keygen and init joins the public lines, so no secret travels. */
#include "base/clock.h"
#include "client/cli.h"
#include "client/public_line.h"
#include "crypto/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REPLICAS_MIN = 4, REPLICAS_DEFAULT = 4, PORT_MAX = 65535, OBSERVERS_GIVEN_MAX = 256, LINE_MAX_LEN = 1024 };

struct init {
    struct cli cli;
    uint64_t replicas, base_port;
    const char *hosts, *observers;
    struct cli_list from_public;
    const char *dir;
    struct cluster *cluster;
    uint16_t members_given; /* bit i: replica i has a key */
    unsigned keys;          /* written */
};

static int refuse(const struct init *s, const char *what, const char *where, const char *remedy) {
    return cli_fail(&s->cli, CLI_REFUSED, "%s: %s: %s", what, where, remedy);
}

/* --- collecting the genesis --- */

static const char *add_key(struct cluster *c, uint16_t *members_given, const struct public_line *l) {
    if (l->role == ROLE_MEMBER) {
        if (*members_given >> l->index & 1u) {
            return "the replica is there twice";
        }
        *members_given |= (uint16_t)(1u << l->index);
        c->members[l->index].key = l->key;
        return NULL;
    }
    if (l->role == ROLE_OPERATOR) {
        if (c->operator_count == OPERATORS_MAX) {
            return "too many operators";
        }
        struct cluster_operator *o = &c->operators[c->operator_count++];
        snprintf(o->name, sizeof o->name, "%s", l->name);
        o->key = l->key;
        o->roles = OPERATOR_ADMIN | OPERATOR_DRILL;
        return NULL;
    }
    if (c->observer_count == OBSERVERS_GIVEN_MAX) {
        return "too many observers; enrol the others later";
    }
    c->observers = xrealloc(c->observers, (c->observer_count + 1) * sizeof *c->observers);
    struct cluster_observer *o = &c->observers[c->observer_count++];
    *o = (struct cluster_observer){.key = l->key, .host_count = 1, .hosts = xcalloc(1, sizeof *o->hosts)};
    snprintf(o->name, sizeof o->name, "%s", l->name);
    o->hosts[0] = xstrdup("*");
    return NULL;
}

static int read_public_file(struct init *s, const char *path) {
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char line[LINE_MAX_LEN], where[ADDRESS_MAX + 32];
    unsigned number = 0;
    const char *wrong = NULL;
    if (in == NULL) {
        return refuse(s, strerror(errno), path, "name a file that holds lines of `quorate keygen`");
    }
    while (wrong == NULL && fgets(line, sizeof line, in) != NULL) {
        struct public_line l;
        number++;
        if (line[strspn(line, " \t\r\n")] == '\0') {
            continue;
        }
        wrong = public_line_read(&l, line);
        wrong = wrong == NULL ? add_key(s->cluster, &s->members_given, &l) : wrong;
    }
    if (in != stdin) {
        fclose(in);
    }
    snprintf(where, sizeof where, "%s:%u", path, number);
    return wrong == NULL ? CLI_GO_ON : refuse(s, wrong, where, "give the lines as `quorate keygen` printed them");
}

static int read_public(struct init *s) {
    int code = CLI_GO_ON;
    for (unsigned i = 0; i < s->from_public.count && code == CLI_GO_ON; i++) {
        code = read_public_file(s, s->from_public.items[i]);
    }
    unsigned n = (unsigned)__builtin_popcount(s->members_given);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (n < REPLICAS_MIN || s->members_given != (1u << n) - 1 || (s->replicas != 0 && s->replicas != n)) {
        return refuse(s, "the replicas are not complete", "--from-public",
                      "give one line each for replica-0, replica-1 ... (4 to 13, as many as --replicas)");
    }
    if (s->cluster->operator_count == 0) {
        return refuse(s, "no operator", "--from-public", "add the line of `quorate keygen operator`");
    }
    s->cluster->member_count = n;
    return CLI_GO_ON;
}

static int make_key(struct init *s, const char *name) {
    struct keyfile key = {0};
    struct public_line l;
    struct buffer path = {0}, why = {0};
    int code = CLI_GO_ON;
    snprintf(key.name, sizeof key.name, "%s", name);
    crypto_keypair(&key.pk, &key.sk);
    public_line_name(&l, name);
    l.key = key.pk;
    buffer_printf(&path, "%s/keys/%s.key", s->dir, name);
    const char *wrong = add_key(s->cluster, &s->members_given, &l);
    if (wrong != NULL) {
        code = refuse(s, wrong, name, "choose other names");
    } else if (keyfile_write(buffer_cstr(&path), &key, &why) != ERR_OK) {
        code = cli_fail_lines(&s->cli, CLI_REFUSED, &why);
    } else {
        s->keys++;
    }
    crypto_wipe(&key, sizeof key);
    buffer_free(&path);
    buffer_free(&why);
    return code;
}

/* Calls visit for each part between commas. */
static int each_part(struct init *s, const char *list, int (*visit)(struct init *, const char *, unsigned)) {
    char *copy = xstrdup(list), *rest = copy, *part;
    unsigned i = 0;
    int code = CLI_GO_ON;
    while (code == CLI_GO_ON && (part = strsep(&rest, ",")) != NULL) {
        code = visit(s, part, i++);
    }
    free(copy);
    return code;
}

static int judge_observer(struct init *s, const char *name, unsigned i) {
    struct public_line l;
    if (!public_name_valid(name)) {
        return cli_fail(&s->cli, CLI_USAGE,
                        "'%s' is not a name: --observers, entry %u: letters, digits, . _ - (1 to 63)", name, i + 1);
    }
    public_line_name(&l, name);
    if (l.role != ROLE_OBSERVER) {
        return cli_fail(&s->cli, CLI_USAGE, "'%s' is the name of another role: --observers, entry %u: choose another",
                        name, i + 1);
    }
    return CLI_GO_ON;
}

static int make_observer(struct init *s, const char *name, unsigned i) {
    (void)i;
    return make_key(s, name);
}

static int make_keys(struct init *s) {
    char name[32];
    int code = CLI_GO_ON;
    for (unsigned i = 0; i < s->cluster->member_count && code == CLI_GO_ON; i++) {
        snprintf(name, sizeof name, "replica-%u", i);
        code = make_key(s, name);
    }
    if (code == CLI_GO_ON) {
        code = make_key(s, "operator");
    }
    if (code == CLI_GO_ON && s->observers != NULL) {
        code = each_part(s, s->observers, make_observer);
    }
    return code;
}

/* --- addresses --- */

static int check_host(struct init *s, const char *host, unsigned i) {
    if (*host == '\0' || strlen(host) > 200 || strcspn(host, " \t\"'/") != strlen(host)) {
        return cli_fail(&s->cli, CLI_USAGE,
                        "'%s' is not a host: --hosts, entry %u: give names or addresses, comma between", host, i + 1);
    }
    return CLI_GO_ON;
}

/* A single host serves for all members. */
static int set_address(struct init *s, const char *host, unsigned i) {
    struct cluster *c = s->cluster;
    bool shared = strchr(s->hosts, ',') == NULL;
    bool bare6 = strchr(host, ':') != NULL && host[0] != '[';
    unsigned step = c->member_count > 10 ? 20 : 10;
    for (unsigned m = shared ? 0 : i; m < (shared ? c->member_count : i + 1) && m < c->member_count; m++) {
        unsigned port = (unsigned)s->base_port + m;
        const char *open = bare6 ? "[" : "", *close = bare6 ? "]" : "";
        snprintf(c->members[m].peer, ADDRESS_MAX, "tcp://%s%s%s:%u", open, host, close, port);
        snprintf(c->members[m].client, ADDRESS_MAX, "tcp://%s%s%s:%u", open, host, close, port + step);
        snprintf(c->members[m].http, ADDRESS_MAX, "%s%s%s:%u", open, host, close, port + 2 * step);
    }
    return CLI_GO_ON;
}

static unsigned count_parts(const char *list) {
    unsigned n = 1;
    for (; *list != '\0'; list++) {
        n += *list == ',';
    }
    return n;
}

static int set_addresses(struct init *s) {
    unsigned hosts = count_parts(s->hosts);
    if (hosts != 1 && hosts != s->cluster->member_count) {
        return cli_fail(&s->cli, CLI_USAGE, "%u hosts for %u replicas: --hosts: give one for all, or one each", hosts,
                        s->cluster->member_count);
    }
    return each_part(s, s->hosts, set_address);
}

/* --- writing --- */

static int make_directory(struct init *s, const char *path, mode_t mode, bool may_exist) {
    if (mkdir(path, mode) == 0 || (errno == EEXIST && may_exist)) {
        return CLI_GO_ON;
    }
    return refuse(s, errno == EEXIST ? "exists already, and nothing is overwritten" : strerror(errno), path,
                  "name a new directory");
}

static int prepare(struct init *s) {
    struct buffer path = {0};
    int code = make_directory(s, s->dir, 0755, true);
    buffer_printf(&path, "%s/cluster.yaml", s->dir);
    if (code == CLI_GO_ON && access(buffer_cstr(&path), F_OK) == 0) {
        code = refuse(s, "exists already, and nothing is overwritten", buffer_cstr(&path), "name a new directory");
    }
    if (code == CLI_GO_ON && s->from_public.count == 0) {
        buffer_clear(&path);
        buffer_printf(&path, "%s/keys", s->dir);
        code = make_directory(s, buffer_cstr(&path), 0700, false);
    }
    buffer_free(&path);
    return code;
}

static bool write_file(const char *path, struct bytes b) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool good = fd >= 0 && write(fd, b.data, b.len) == (ssize_t)b.len && fsync(fd) == 0;
    if (fd >= 0) {
        good = close(fd) == 0 && good;
    }
    return good;
}

/* What is written is read back first, so that no file leaves here which a replica would refuse. */
static int write_cluster(struct init *s) {
    struct buffer text = {0}, why = {0}, path = {0};
    struct cluster *again = NULL;
    int code = CLI_GO_ON;
    buffer_printf(&path, "%s/cluster.yaml", s->dir);
    cluster_write(&text, s->cluster);
    if (cluster_parse(&again, buffer_bytes(&text), buffer_cstr(&path), &why) != ERR_OK) {
        code = cli_fail_lines(&s->cli, CLI_REFUSED, &why);
    } else if (!write_file(buffer_cstr(&path), buffer_bytes(&text))) {
        code = refuse(s, strerror(errno), buffer_cstr(&path), "make the directory writable");
    }
    cluster_free(again);
    buffer_free(&text);
    buffer_free(&why);
    buffer_free(&path);
    return code;
}

static void report(const struct init *s) {
    const struct cluster *c = s->cluster;
    printf("%s/cluster.yaml: %u replicas, f = %u (%u must agree), %u operator%s, %u observer%s\n", s->dir,
           c->member_count, quorum_faults(c->member_count), quorum_strong(c->member_count), c->operator_count,
           c->operator_count == 1 ? "" : "s", c->observer_count, c->observer_count == 1 ? "" : "s");
    if (s->keys > 0) {
        printf("%s/keys: %u secret keys, for a try-out on one machine\n", s->dir, s->keys);
    }
    printf("next: quorated -c %s/cluster.yaml -i 0 -k %s%s -d DATADIR, the same for 1 to %u\n", s->dir,
           s->keys > 0 ? s->dir : "", s->keys > 0 ? "/keys/replica-0.key" : "KEY", c->member_count - 1);
}

/* The directory's name, when it is a name. */
static void name_cluster(struct cluster *c, const char *dir) {
    size_t len = strlen(dir);
    while (len > 0 && dir[len - 1] == '/') {
        len--;
    }
    size_t from = len;
    while (from > 0 && dir[from - 1] != '/') {
        from--;
    }
    snprintf(c->name, sizeof c->name, "%.*s", (int)(len - from), dir + from);
    if (!public_name_valid(c->name)) {
        snprintf(c->name, sizeof c->name, "%s", "quorate");
    }
}

static int init_cluster(struct init *s) {
    struct cluster *c = s->cluster = xcalloc(1, sizeof *s->cluster);
    name_cluster(c, s->dir);
    c->operators_needed = 1;
    c->drills = DRILLS_OFF;
    c->knobs = protocol_defaults();
    c->t0 = clock_wall();
    int code = s->from_public.count > 0 ? read_public(s) : CLI_GO_ON;
    if (code == CLI_GO_ON) {
        c->member_count =
            c->member_count != 0 ? c->member_count : (unsigned)(s->replicas != 0 ? s->replicas : REPLICAS_DEFAULT);
        code = set_addresses(s);
    }
    if (code == CLI_GO_ON) {
        code = prepare(s);
    }
    if (code == CLI_GO_ON && s->from_public.count == 0) {
        code = make_keys(s);
    }
    if (code == CLI_GO_ON) {
        code = write_cluster(s);
    }
    if (code == CLI_GO_ON) {
        report(s);
        code = CLI_DONE;
    }
    cluster_free(c);
    return code;
}

static int check_options(struct init *s) {
    unsigned step = s->replicas > 10 ? 20 : 10;
    if (s->replicas != 0 && (s->replicas < REPLICAS_MIN || s->replicas > MEMBERS_MAX)) {
        return cli_fail(&s->cli, CLI_USAGE,
                        "%llu replicas: --replicas: give 4 to %d; 4 bear one fault, 7 two, 10 three",
                        (unsigned long long)s->replicas, MEMBERS_MAX);
    }
    if (s->base_port == 0 || s->base_port > PORT_MAX - 3 * step) {
        return cli_fail(&s->cli, CLI_USAGE, "no room for the ports: --base-port: give 1 to %u", PORT_MAX - 3 * step);
    }
    if (s->from_public.count > 0 && s->observers != NULL) {
        return cli_fail(&s->cli, CLI_USAGE,
                        "both make and take keys: --observers: with --from-public give their lines");
    }
    int code = each_part(s, s->hosts, check_host);
    return code == CLI_GO_ON && s->observers != NULL ? each_part(s, s->observers, judge_observer) : code;
}

int verb_init(int argc, char **argv) {
    struct init s = {.base_port = 7300, .hosts = "127.0.0.1"};
    const struct cli_option options[] = {
        {"replicas", 0, CLI_NUMBER, &s.replicas, "N", "3f+1 of them bear f faults; 4 to 13 (4)"},
        {"hosts", 0, CLI_TEXT, &s.hosts, "H0,H1,...", "where they run, one for all or one each (127.0.0.1)"},
        {"observers", 0, CLI_TEXT, &s.observers, "A,B,...", "observers to make keys for"},
        {"base-port", 0, CLI_NUMBER, &s.base_port, "PORT",
         "peers from PORT on, clients from PORT+10, http from PORT+20 (7300)"},
        {"from-public", 0, CLI_LIST, &s.from_public, "FILE",
         "take public lines of `quorate keygen` instead of making keys"},
        {0}};
    const struct cli_verb verb = {
        .name = "init",
        .operands = "DIR",
        .summary = "Make DIR/cluster.yaml and, for a try-out on one machine, DIR/keys",
        .details = "Nothing is overwritten. For real, run `quorate keygen replica-0` and so on, `quorate keygen "
                   "operator` and\n"
                   "`quorate keygen OBSERVER` each on its host, and give the lines that they print with --from-public.",
        .operands_min = 1,
        .operands_max = 1,
        .options = options};
    int code = cli_parse(&s.cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        s.dir = s.cli.operands[0];
        code = check_options(&s);
    }
    return code == CLI_GO_ON ? init_cluster(&s) : code;
}
