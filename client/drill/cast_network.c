/* The network of a stage: a bridge, and for each replica a network namespace joined to it by veth. Faults are rules of
   nftables in the namespace of the replica that they are about, and tbf on its device. They belong to the namespace,
   not to the process: a replica that is started again has them still. */
#include "client/drill/cast_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOOL_MS = 30000, TOOL_WORDS = 32, ACK_MAX = 80 /* bytes of an IP packet without anything of TCP's inside */ };

/* ---- ip, nft, tc ---- */

enum error cast_tool(struct cast *c, int net, const char *input, struct buffer *out, struct buffer *why, ...) {
    (void)c;
    const char *argv[TOOL_WORDS + 1] = {0};
    struct buffer said = {0};
    unsigned count = 0;
    va_list list;
    va_start(list, why);
    for (const char *word; (word = va_arg(list, const char *)) != NULL && count < TOOL_WORDS;) {
        argv[count++] = word;
    }
    va_end(list);
    char *path = process_find(argv[0]);
    struct process_job job = {.path = path, .argv = argv, .net = net};
    int status = path ? process_run(&job, bytes_of_text(input), out, &said, TOOL_MS) : -1;
    if (!path) {
        buffer_printf(why, "not installed: %s: install iproute2 and nftables", argv[0]);
    } else if (status != 0) {
        buffer_printf(why, "%s ended with %d: %s", path, status, buffer_cstr(&said));
    }
    free(path);
    buffer_free(&said);
    return status == 0 ? ERR_OK : ERR_IO;
}

/* A batch of lines for `ip`. */
static enum error ip(struct cast *c, int net, struct buffer *lines, struct buffer *why) {
    enum error e = cast_tool(c, net, buffer_cstr(lines), NULL, why, "ip", "-batch", "-", NULL);
    buffer_clear(lines);
    return e;
}

/* ---- namespaces ---- */

/* A new network namespace that lives as long as somebody holds its descriptor; -1: errno says why. */
static int new_namespace(void) {
    int ours = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), theirs = -1;
    if (ours >= 0 && unshare(CLONE_NEWNET) == 0) {
        theirs = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        if (setns(ours, CLONE_NEWNET) != 0) {
            _exit(1); /* what came after would run in the wrong network */
        }
    }
    if (ours >= 0) {
        close(ours);
    }
    return theirs;
}

static enum error join(struct cast *c, member_id who, struct buffer *why) {
    struct replica_cast *r = &c->replica[who];
    struct buffer lines = {0};
    char end[16], target[64];
    r->net = new_namespace();
    if (r->net < 0) {
        buffer_printf(why, "no network namespace: %s: run as root, or allow namespaces", strerror(errno));
        return ERR_FORBIDDEN;
    }
    snprintf(end, sizeof end, "e%u", who);
    snprintf(target, sizeof target, "/proc/%d/fd/%d", (int)getpid(), r->net);
    buffer_printf(&lines, "link add v%u type veth peer name %s\nlink set v%u master drill\nlink set v%u up\n", who, end,
                  who, who);
    enum error e = ip(c, -1, &lines, why);
    e = e == ERR_OK ? cast_tool(c, -1, "", NULL, why, "ip", "link", "set", end, "netns", target, NULL) : e;
    buffer_printf(&lines, "link set lo up\naddr add 10.77.0.%u/24 dev %s\nlink set %s up\n", 10 + who, end, end);
    e = e == ERR_OK ? ip(c, r->net, &lines, why) : e;
    const char *table = "add table inet drill\nadd counter inet drill dropped\n"
                        "add chain inet drill in { type filter hook input priority 0; }\n"
                        "add chain inet drill out { type filter hook output priority 0; }\n";
    e = e == ERR_OK ? cast_tool(c, r->net, table, NULL, why, "nft", "-f", "-", NULL) : e;
    buffer_free(&lines);
    return e;
}

enum error cast_make_network(struct cast *c, struct buffer *why) {
    struct buffer lines = {0};
    buffer_printf(&lines, "link add drill type bridge\naddr add 10.77.0.1/24 dev drill\nlink set drill up\n");
    enum error e = ip(c, -1, &lines, why);
    for (member_id m = 0; m < c->members && e == ERR_OK; m++) {
        e = join(c, m, why);
    }
    buffer_free(&lines);
    return e;
}

void cast_close_network(struct cast *c) {
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        if (c->replica[i].net >= 0) {
            close(c->replica[i].net);
        }
    }
}

/* ---- faults ---- */

static void need_network(struct cast *c, member_id who) {
    if (!c->drill->cast.network || who >= c->members) {
        cast_fail(c, "the cast has no network for replica %u: %s: correct the drill", who, c->drill->name);
    }
}

/* Of a cut one way only what carries data is dropped: without the acknowledgements of TCP the other way would be cut
   as well. */
static void put_rules(const struct cast *c, member_id who, struct buffer *out) {
    const struct replica_cast *r = &c->replica[who];
    buffer_printf(out, "flush chain inet drill in\nflush chain inet drill out\n");
    const char *replicas = "10.77.0.10-10.77.0.30";
    if (r->isolated) {
        buffer_printf(out, "add rule inet drill in iifname \"e%u\" ip saddr %s counter name dropped drop\n", who,
                      replicas);
        buffer_printf(out, "add rule inet drill out oifname \"e%u\" ip daddr %s counter name dropped drop\n", who,
                      replicas);
    }
    for (member_id m = 0; m < c->members; m++) {
        if (set_has(r->cut_off, m)) {
            bool both = set_has(c->replica[m].cut_off, who);
            buffer_printf(out, "add rule inet drill in ip saddr 10.77.0.%u", 10 + m);
            if (!both) {
                buffer_printf(out, " ip length > %d", ACK_MAX);
            }
            buffer_printf(out, " counter name dropped drop\n");
        }
    }
    if (r->loss_percent > 0) {
        buffer_printf(out,
                      "add rule inet drill in iifname \"e%u\" ip saddr %s numgen random mod 100 < %u counter name "
                      "dropped drop\n",
                      who, replicas, r->loss_percent);
    }
}

static void filter(struct cast *c, member_id who) {
    struct buffer rules = {0}, why = {0};
    put_rules(c, who, &rules);
    if (cast_tool(c, c->replica[who].net, buffer_cstr(&rules), NULL, &why, "nft", "-f", "-", NULL) != ERR_OK) {
        cast_fail(c, "%s", buffer_cstr(&why));
    }
    buffer_free(&rules);
    buffer_free(&why);
}

/* The number behind the first such word of what `nft` or `tc` print. */
static uint64_t number_behind(struct buffer *text, const char *word) {
    const char *at = strstr(buffer_cstr(text), word);
    return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* Packets that passed the line or were dropped since it became narrow, if it was too narrow for any of them. */
static uint64_t held_up(struct cast *c, member_id who) {
    struct buffer out = {0}, why = {0};
    char device[16];
    snprintf(device, sizeof device, "e%u", who);
    if (cast_tool(c, c->replica[who].net, "", &out, &why, "tc", "-s", "qdisc", "show", "dev", device, NULL) != ERR_OK) {
        cast_fail(c, "%s", buffer_cstr(&why));
    }
    uint64_t passed = number_behind(&out, " bytes "), dropped = number_behind(&out, "(dropped ");
    uint64_t count = number_behind(&out, "overlimits ") > 0 ? passed + dropped : dropped;
    buffer_free(&out);
    buffer_free(&why);
    return count;
}

static void shape(struct cast *c, member_id who) {
    struct replica_cast *r = &c->replica[who];
    struct buffer why = {0};
    char device[16], rate[32];
    enum error e;
    snprintf(device, sizeof device, "e%u", who);
    snprintf(rate, sizeof rate, "%ukbit", r->rate_kbit);
    if (r->rate_kbit > 0) {
        e = cast_tool(c, r->net, "", NULL, &why, "tc", "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate,
                      "burst", "16kb", "latency", "400ms", NULL);
    } else {
        e = cast_tool(c, r->net, "", NULL, &why, "tc", "qdisc", "del", "dev", device, "root", NULL);
    }
    if (e != ERR_OK) {
        cast_fail(c, "%s", buffer_cstr(&why));
    }
    buffer_free(&why);
}

static void widen(struct cast *c, member_id who) {
    struct replica_cast *r = &c->replica[who];
    if (r->rate_kbit > 0) {
        r->held_up += held_up(c, who);
        r->rate_kbit = 0;
        shape(c, who);
    }
}

void scene_cut(struct scene *s, member_id from, member_id to) {
    struct cast *c = s->cast;
    char what[80];
    need_network(c, from);
    need_network(c, to);
    c->replica[to].cut_off = (member_set)(c->replica[to].cut_off | set_of(from));
    filter(c, to);
    if (set_has(c->replica[from].cut_off, to)) {
        filter(c, from);
    }
    snprintf(what, sizeof what, "replica %u is no longer heard by replica %u", from, to);
    scene_injected(s, what);
}

void scene_isolate(struct scene *s, member_id who) {
    char what[80];
    need_network(s->cast, who);
    s->cast->replica[who].isolated = true;
    filter(s->cast, who);
    snprintf(what, sizeof what, "replica %u is cut off from all others", who);
    scene_injected(s, what);
}

void scene_loss(struct scene *s, member_id who, unsigned percent) {
    char what[80];
    need_network(s->cast, who);
    s->cast->replica[who].loss_percent = percent;
    filter(s->cast, who);
    snprintf(what, sizeof what, "replica %u loses %u %% of what the others send it", who, percent);
    scene_injected(s, what);
}

void scene_rate(struct scene *s, member_id who, unsigned kbit) {
    char what[80];
    need_network(s->cast, who);
    widen(s->cast, who);
    if (kbit == 0) {
        scene_note(s, "replica %u may send as much as it likes again", who);
        return;
    }
    s->cast->replica[who].rate_kbit = kbit;
    shape(s->cast, who);
    snprintf(what, sizeof what, "replica %u may send %u kbit/s", who, kbit);
    scene_injected(s, what);
}

/* ---- mending and counting ---- */

void cast_mend_network(struct cast *c) {
    for (member_id m = 0; m < c->members; m++) {
        struct replica_cast *r = &c->replica[m];
        if (r->isolated || r->cut_off || r->loss_percent) {
            r->isolated = false;
            r->cut_off = 0;
            r->loss_percent = 0;
            filter(c, m);
        }
        widen(c, m);
    }
}

void scene_mend(struct scene *s) {
    need_network(s->cast, 0);
    cast_mend_network(s->cast);
    scene_note(s, "the network is whole again");
}

uint64_t cast_dropped(struct cast *c) {
    uint64_t sum = 0;
    for (member_id m = 0; m < c->members && c->drill->cast.network; m++) {
        struct buffer out = {0}, why = {0};
        if (cast_tool(c, c->replica[m].net, "", &out, &why, "nft", "list", "counter", "inet", "drill", "dropped",
                      NULL) != ERR_OK) {
            cast_fail(c, "%s", buffer_cstr(&why));
        }
        sum += number_behind(&out, "packets ") + c->replica[m].held_up;
        sum += c->replica[m].rate_kbit > 0 ? held_up(c, m) : 0;
        buffer_free(&out);
        buffer_free(&why);
    }
    return sum;
}

uint64_t scene_dropped(struct scene *s) {
    return cast_dropped(s->cast);
}
