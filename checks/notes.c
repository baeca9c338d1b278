/* The store of notes: by number, and chained at their objects, so that an object without any costs nothing. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

static size_t notes_of(const struct object *o) {
    size_t count = 0;
    for (const struct note *n = o->notes; n; n = n->next) {
        count++;
    }
    return count;
}

bool notes_have_room(const struct monitor *m, const struct object *o, size_t more) {
    return m->notes.count + more <= NOTES_MAX && notes_of(o) + more <= NOTES_OF_OBJECT_MAX;
}

static void chain(struct object *o, struct note *n) {
    struct note **at = &o->notes;
    while (*at) {
        at = &(*at)->next;
    }
    n->next = NULL;
    *at = n;
}

static void unchain(struct object *o, const struct note *n) {
    struct note **at = &o->notes;
    while (*at != n) {
        ENSURE(*at != NULL);
        at = &(*at)->next;
    }
    *at = n->next;
}

static void grow(struct notes *all) {
    if (all->used == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 16;
        all->list = xrealloc(all->list, all->cap * sizeof(struct note *));
        all->ids = xrealloc(all->ids, all->cap * sizeof *all->ids);
    }
}

struct note *note_insert(struct monitor *m, struct object *o, const struct note *spec, const struct note_words *words) {
    struct notes *all = &m->notes;
    REQUIRE(notes_have_room(m, o, 1) && (all->used == 0 || all->ids[all->used - 1] < spec->id));
    grow(all);
    struct note *n = xcalloc(1, sizeof *n);
    *n = *spec;
    n->object = o->id;
    n->author = xstrdup(words->author);
    n->by = xstrdup(words->by);
    n->comment = xstrdup(words->comment);
    all->ids[all->used] = n->id;
    all->list[all->used++] = n;
    all->count++;
    chain(o, n);
    return n;
}

static void link_trigger(struct monitor *m, struct note *n) {
    struct note *parent = n->trigger ? note_find(m, n->trigger) : NULL;
    n->parent = parent;
    if (!parent) {
        return;
    }
    n->triggered_before = parent->triggered_last;
    if (parent->triggered_last) {
        parent->triggered_last->triggered_next = n;
    } else {
        parent->triggered = n;
    }
    parent->triggered_last = n;
}

struct note *note_add(struct monitor *m, struct object *o, const struct note *spec, const struct note_words *words) {
    struct note numbered = *spec;
    numbered.id = ++m->notes.last_id;
    numbered.dirty = true;
    m->header_dirty = true;
    struct note *n = note_insert(m, o, &numbered, words);
    link_trigger(m, n);
    return n;
}

size_t note_place(const struct monitor *m, uint64_t id) {
    const struct notes *all = &m->notes;
    size_t low = 0, high = all->used;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct note *note_find(const struct monitor *m, uint64_t id) {
    size_t at = note_place(m, id);
    return at < m->notes.used && m->notes.ids[at] == id ? m->notes.list[at] : NULL;
}

void note_touch(struct note *n) {
    n->dirty = true;
}

static void note_free(struct note *n) {
    free(n->author);
    free(n->by);
    free(n->comment);
    free(n);
}

static void bury(struct monitor *m, const struct note *n) {
    if (n->stored) {
        struct buffer key = {0};
        key_of_note(&key, n);
        key_list_add(&m->gone, &key);
        buffer_free(&key);
    }
}

static void unlink_trigger(struct note *n) {
    struct note *parent = n->parent;
    for (struct note *child = n->triggered; child; child = child->triggered_next) {
        child->parent = NULL;
    }
    if (!parent) {
        return;
    }
    *(n->triggered_before ? &n->triggered_before->triggered_next : &parent->triggered) = n->triggered_next;
    *(n->triggered_next ? &n->triggered_next->triggered_before : &parent->triggered_last) = n->triggered_before;
}

/* Keeps every place before the last used one that is alive. */
static void compact(struct notes *all) {
    size_t kept = 0;
    for (size_t i = 0; i < all->used; i++) {
        if (all->list[i]) {
            all->ids[kept] = all->ids[i];
            all->list[kept++] = all->list[i];
        }
    }
    all->used = kept;
}

void note_remove(struct monitor *m, struct note *n) {
    struct notes *all = &m->notes;
    size_t at = note_place(m, n->id);
    ENSURE(at < all->used && all->list[at] == n);
    bury(m, n);
    unlink_trigger(n);
    unchain(&m->table.list[n->object], n);
    all->list[at] = NULL;
    if (--all->count < all->used / 2) {
        compact(all);
    }
    note_free(n);
}

void notes_carry(struct monitor *m, struct table *to) {
    struct notes *all = &m->notes;
    for (uint32_t i = 0; i < to->count; i++) {
        to->list[i].notes = NULL;
    }
    for (size_t i = 0; i < all->used; i++) {
        struct note *n = all->list[i];
        const struct object_checkable *def = n ? m->table.list[n->object].def : NULL;
        int64_t id = n ? table_find(to, def->host, def->service) : OBJECT_NONE;
        if (n && id == OBJECT_NONE) {
            bury(m, n);
            unlink_trigger(n);
            note_free(n);
            all->list[i] = NULL;
            all->count--;
        } else if (n) {
            n->object = (uint32_t)id;
            chain(&to->list[id], n);
        }
    }
    compact(all);
}

void notes_link_triggers(struct monitor *m) {
    for (size_t i = 0; i < m->notes.used; i++) {
        link_trigger(m, m->notes.list[i]);
    }
}

void notes_free(struct notes *all) {
    for (size_t i = 0; i < all->used; i++) {
        if (all->list[i]) {
            note_free(all->list[i]);
        }
    }
    free(all->list);
    free(all->ids);
    *all = (struct notes){0};
}

void notes_check(const struct monitor *m, const struct object *o) {
    unsigned count = 0, acknowledged = 0;
    for (const struct note *n = o->notes; n; n = n->next) {
        ENSURE(note_find(m, n->id) == n && n->object == o->id && n->id <= m->notes.last_id);
        IMPLIES(n->next != NULL, n->next->id > n->id);
        IMPLIES(n->kind == NOTE_COMMENT, !n->in_effect);
        ENSURE(n->parent == (n->trigger ? note_find(m, n->trigger) : NULL));
        count++;
        acknowledged += n->kind == NOTE_ACKNOWLEDGEMENT && n->in_effect;
    }
    ENSURE(count <= NOTES_OF_OBJECT_MAX && acknowledged <= 1);
    IMPLIES(acknowledged > 0, o->state != STATE_OK);
}

static time_ms due_of(const struct note *n) {
    return n->kind == NOTE_DOWNTIME ? downtime_due(n) : acknowledgement_due(n);
}

/* The note that is due first, by number where that is equal; NULL: none will ever be. */
static struct note *first_due(const struct object *o) {
    struct note *first = NULL;
    for (struct note *n = o->notes; n; n = n->next) {
        time_ms due = due_of(n);
        if (due < TIME_NEVER && (!first || due < due_of(first))) {
            first = n;
        }
    }
    return first;
}

time_ms notes_deadline(const struct object *o) {
    const struct note *n = first_due(o);
    return n ? due_of(n) : TIME_NEVER;
}

/* A step may remove notes, so the search starts anew behind each. */
void notes_wake(struct monitor *m, struct object *o) {
    for (struct note *n; (n = first_due(o)) && due_of(n) <= m->t;) {
        if (n->kind == NOTE_DOWNTIME) {
            downtime_wake(m, n);
        } else {
            acknowledgement_end(m, n);
        }
    }
}
