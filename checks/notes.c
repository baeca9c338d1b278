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

struct note *note_insert(struct monitor *m, struct object *o, const struct note *spec, const struct note_words *words) {
    struct notes *all = &m->notes;
    REQUIRE(notes_have_room(m, o, 1) && (all->count == 0 || all->list[all->count - 1]->id < spec->id));
    if (all->count == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 16;
        all->list = xrealloc(all->list, all->cap * sizeof(struct note *));
    }
    struct note *n = xcalloc(1, sizeof *n);
    *n = *spec;
    n->object = o->id;
    n->author = xstrdup(words->author);
    n->by = xstrdup(words->by);
    n->comment = xstrdup(words->comment);
    all->list[all->count++] = n;
    chain(o, n);
    return n;
}

struct note *note_add(struct monitor *m, struct object *o, const struct note *spec, const struct note_words *words) {
    struct note numbered = *spec;
    numbered.id = ++m->notes.last_id;
    numbered.dirty = true;
    m->header_dirty = true;
    struct note *trigger = spec->trigger ? note_find(m, spec->trigger) : NULL;
    if (trigger) {
        trigger->triggers++;
    }
    return note_insert(m, o, &numbered, words);
}

size_t note_place(const struct monitor *m, uint64_t id) {
    const struct notes *all = &m->notes;
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (all->list[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct note *note_find(const struct monitor *m, uint64_t id) {
    size_t at = note_place(m, id);
    return at < m->notes.count && m->notes.list[at]->id == id ? m->notes.list[at] : NULL;
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

static void forget_trigger(struct monitor *m, const struct note *n) {
    struct note *trigger = n->trigger ? note_find(m, n->trigger) : NULL;
    if (trigger) {
        trigger->triggers--;
    }
}

void note_remove(struct monitor *m, struct note *n) {
    struct notes *all = &m->notes;
    size_t at = note_place(m, n->id);
    ENSURE(at < all->count && all->list[at] == n);
    bury(m, n);
    forget_trigger(m, n);
    unchain(&m->table.list[n->object], n);
    memmove(all->list + at, all->list + at + 1, (all->count - at - 1) * sizeof(struct note *));
    all->count--;
    note_free(n);
}

void notes_carry(struct monitor *m, struct table *to) {
    struct notes *all = &m->notes;
    size_t kept = 0;
    for (uint32_t i = 0; i < to->count; i++) {
        to->list[i].notes = NULL;
    }
    for (size_t i = 0; i < all->count; i++) {
        struct note *n = all->list[i];
        const struct object_checkable *def = m->table.list[n->object].def;
        int64_t id = table_find(to, def->host, def->service);
        if (id == OBJECT_NONE) {
            bury(m, n);
            note_free(n);
            continue;
        }
        n->object = (uint32_t)id;
        chain(&to->list[id], n);
        all->list[kept++] = n;
    }
    all->count = kept;
    notes_count_triggers(m);
}

void notes_count_triggers(struct monitor *m) {
    for (size_t i = 0; i < m->notes.count; i++) {
        m->notes.list[i]->triggers = 0;
    }
    for (size_t i = 0; i < m->notes.count; i++) {
        const struct note *n = m->notes.list[i];
        struct note *trigger = n->trigger ? note_find(m, n->trigger) : NULL;
        if (trigger) {
            trigger->triggers++;
        }
    }
}

void notes_free(struct notes *all) {
    for (size_t i = 0; i < all->count; i++) {
        note_free(all->list[i]);
    }
    free(all->list);
    *all = (struct notes){0};
}

void notes_check(const struct monitor *m, const struct object *o) {
    unsigned count = 0, acknowledged = 0;
    for (const struct note *n = o->notes; n; n = n->next) {
        ENSURE(note_find(m, n->id) == n && n->object == o->id && n->id <= m->notes.last_id);
        IMPLIES(n->next != NULL, n->next->id > n->id);
        IMPLIES(n->kind == NOTE_COMMENT, !n->in_effect);
        count++;
        acknowledged += n->kind == NOTE_ACKNOWLEDGEMENT && n->in_effect;
    }
    ENSURE(count <= NOTES_OF_OBJECT_MAX && acknowledged <= 1);
    IMPLIES(acknowledged > 0, o->state != STATE_OK);
}

time_ms notes_deadline(const struct object *o) {
    time_ms at = TIME_NEVER;
    for (const struct note *n = o->notes; n; n = n->next) {
        time_ms due = n->kind == NOTE_DOWNTIME ? downtime_due(n) : acknowledgement_due(n);
        at = due < at ? due : at;
    }
    return at;
}

/* A step may remove notes, so the walk starts anew behind each. */
static bool wake_one(struct monitor *m, struct object *o) {
    for (struct note *n = o->notes; n; n = n->next) {
        if (n->kind == NOTE_ACKNOWLEDGEMENT && acknowledgement_due(n) <= m->t) {
            acknowledgement_end(m, n);
            return true;
        }
        if (n->kind == NOTE_DOWNTIME && downtime_due(n) <= m->t) {
            downtime_wake(m, n);
            return true;
        }
    }
    return false;
}

void notes_wake(struct monitor *m, struct object *o) {
    while (wake_one(m, o)) {
    }
}
