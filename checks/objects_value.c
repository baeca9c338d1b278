/* Typed values of directives: switches, counts, intervals in Nagios units, option letters. Integers only: a decimal
   number becomes milliseconds without a float, so that every machine resolves the same text to the same bytes. */
#include "checks/objects_raw.h"
#include "proto/op.h"

#include <string.h>
#include <strings.h>

void value_flag(struct parse *p, const struct raw_entry *entry, bool *out) {
    if (entry == NULL || entry->value == NULL) {
        return;
    }
    if (strcmp(entry->value, "0") != 0 && strcmp(entry->value, "1") != 0) {
        parse_problem(p, entry->place, entry->name, "'%.80s' is neither 0 nor 1: give one of them", entry->value);
        return;
    }
    *out = entry->value[0] == '1';
}

static bool digits_only(const char *text) {
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

void value_count(struct parse *p, const struct raw_entry *entry, uint32_t min, uint32_t max, uint32_t *out) {
    if (entry == NULL || entry->value == NULL) {
        return;
    }
    uint64_t value = 0;
    for (const char *c = entry->value; *c >= '0' && *c <= '9' && value <= max; c++) {
        value = value * 10 + (uint64_t)(*c - '0');
    }
    if (!digits_only(entry->value) || value < min || value > max) {
        parse_problem(p, entry->place, entry->name, "'%.80s' is not a whole number from %u to %u: correct it",
                      entry->value, min, max);
        return;
    }
    *out = (uint32_t)value;
}

/* Reads "12", "1.5", ".25" as millionths; digits beyond the sixth place are dropped. */
static bool read_decimal(const char *text, uint64_t *whole, uint64_t *millionths) {
    size_t before = strspn(text, "0123456789");
    size_t after = text[before] == '.' ? strspn(text + before + 1, "0123456789") : 0;
    if (before > 12 || before + after == 0 || text[before + (text[before] == '.' ? 1 + after : 0)] != '\0') {
        return false;
    }
    *whole = 0;
    for (size_t i = 0; i < before; i++) {
        *whole = *whole * 10 + (uint64_t)(text[i] - '0');
    }
    *millionths = 0;
    for (size_t i = 0; i < 6; i++) {
        *millionths = *millionths * 10 + (i < after ? (uint64_t)(text[before + 1 + i] - '0') : 0);
    }
    return true;
}

bool decimal_to_ms(const char *text, time_ms unit, time_ms *out) {
    uint64_t whole = 0, millionths = 0, u = (uint64_t)unit;
    if (!read_decimal(text, &whole, &millionths) || whole > (uint64_t)INTERVAL_MAX_MS / u) {
        return false;
    }
    /* unit / 10^6 and its remainder apart, so that no product passes 64 bits */
    uint64_t part = u / 1000000 * millionths + (u % 1000000 * millionths + 500000) / 1000000;
    uint64_t ms = whole * u + part;
    bool positive = strpbrk(text, "123456789") != NULL;
    if (ms > (uint64_t)INTERVAL_MAX_MS) {
        return false;
    }
    *out = ms == 0 && positive ? 1 : (time_ms)ms;
    return true;
}

void value_interval(struct parse *p, const struct raw_entry *entry, time_ms unit, time_ms *out) {
    if (entry == NULL || entry->value == NULL) {
        return;
    }
    if (!decimal_to_ms(entry->value, unit, out)) {
        parse_problem(p, entry->place, entry->name, "'%.80s' is not a decimal number of at most ten years: correct it",
                      entry->value);
    }
}

struct option_word {
    const char *letter, *word;
    unsigned bit;
};
static const struct option_word host_words[] = {
    {"d", "down", NOTIFY_DOWN},         {"u", "unreachable", NOTIFY_UNREACHABLE}, {"r", "recovery", NOTIFY_RECOVERY},
    {"f", "flapping", NOTIFY_FLAPPING}, {"s", "downtime", NOTIFY_DOWNTIME},       {NULL, NULL, 0}};
static const struct option_word service_words[] = {{"w", "warning", NOTIFY_WARNING},
                                                   {"u", "unknown", NOTIFY_UNKNOWN},
                                                   {"c", "critical", NOTIFY_CRITICAL},
                                                   {"r", "recovery", NOTIFY_RECOVERY},
                                                   {"f", "flapping", NOTIFY_FLAPPING},
                                                   {"s", "downtime", NOTIFY_DOWNTIME},
                                                   {NULL, NULL, 0}};

static const struct option_word host_flap_words[] = {{"o", "up", NOTIFY_RECOVERY},
                                                     {"d", "down", NOTIFY_DOWN},
                                                     {"u", "unreachable", NOTIFY_UNREACHABLE},
                                                     {NULL, NULL, 0}};
static const struct option_word service_flap_words[] = {{"o", "ok", NOTIFY_RECOVERY},
                                                        {"w", "warning", NOTIFY_WARNING},
                                                        {"u", "unknown", NOTIFY_UNKNOWN},
                                                        {"c", "critical", NOTIFY_CRITICAL},
                                                        {NULL, NULL, 0}};

static const struct option_word host_failure_words[] = {{"o", "up", NOTIFY_RECOVERY},
                                                        {"d", "down", NOTIFY_DOWN},
                                                        {"u", "unreachable", NOTIFY_UNREACHABLE},
                                                        {"p", "pending", NOTIFY_PENDING},
                                                        {NULL, NULL, 0}};
static const struct option_word service_failure_words[] = {
    {"o", "ok", NOTIFY_RECOVERY},       {"w", "warning", NOTIFY_WARNING}, {"u", "unknown", NOTIFY_UNKNOWN},
    {"c", "critical", NOTIFY_CRITICAL}, {"p", "pending", NOTIFY_PENDING}, {NULL, NULL, 0}};
static const struct option_word host_escalation_words[] = {{"d", "down", NOTIFY_DOWN},
                                                           {"u", "unreachable", NOTIFY_UNREACHABLE},
                                                           {"r", "recovery", NOTIFY_RECOVERY},
                                                           {NULL, NULL, 0}};
static const struct option_word service_escalation_words[] = {{"w", "warning", NOTIFY_WARNING},
                                                              {"u", "unknown", NOTIFY_UNKNOWN},
                                                              {"c", "critical", NOTIFY_CRITICAL},
                                                              {"r", "recovery", NOTIFY_RECOVERY},
                                                              {NULL, NULL, 0}};

static bool word_is(struct bytes word, const char *text) {
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}

static bool option_bits(const struct option_word *words, struct bytes word, unsigned *options) {
    if (word_is(word, "n") || word_is(word, "none")) {
        *options = 0;
        return true;
    }
    bool all = word_is(word, "a") || word_is(word, "all"), found = all;
    for (; words->letter != NULL; words++) {
        if (all || word_is(word, words->letter) || word_is(word, words->word)) {
            *options |= words->bit;
            found = true;
        }
    }
    return found;
}

static void value_words(struct parse *p, const struct raw_entry *entry, const struct option_word *words,
                        const char *letters, unsigned *out) {
    if (entry == NULL || entry->value == NULL) {
        return;
    }
    unsigned options = 0;
    struct list_walk walk = {entry->value};
    struct bytes word;
    while (list_next(&walk, &word)) {
        if (!option_bits(words, word, &options)) {
            parse_problem(p, entry->place, entry->name, "'%.*s' is no option: give some of %s, or n, or a",
                          (int)(word.len < 80 ? word.len : 80), (const char *)word.data, letters);
            return;
        }
    }
    *out = options;
}

void value_options(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out) {
    value_words(p, entry, host ? host_words : service_words, host ? "d,u,r,f,s" : "w,u,c,r,f,s", out);
}

void value_states(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out) {
    value_words(p, entry, host ? host_flap_words : service_flap_words, host ? "o,d,u" : "o,w,u,c", out);
}

void value_escalation(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out) {
    value_words(p, entry, host ? host_escalation_words : service_escalation_words, host ? "d,u,r" : "w,u,c,r", out);
}

void value_failure(struct parse *p, const struct raw_entry *entry, bool host, unsigned *out) {
    value_words(p, entry, host ? host_failure_words : service_failure_words, host ? "o,d,u,p" : "o,w,u,c,p", out);
}

void value_percent(struct parse *p, const struct raw_entry *entry, uint32_t *out) {
    time_ms thousandths = 0;
    if (entry == NULL || entry->value == NULL) {
        return;
    }
    if (!decimal_to_ms(entry->value, 1000, &thousandths) || thousandths > FLAP_THRESHOLD_MAX) {
        parse_problem(p, entry->place, entry->name, "'%.80s' is not a percentage from 0 to 100: correct it",
                      entry->value);
        return;
    }
    *out = thousandths > 0 ? (uint32_t)thousandths : *out;
}

void value_stale_state(struct parse *p, const struct raw_entry *entry, bool host, int *out) {
    static const char *const host_states[] = {"up", "down"};
    static const char *const service_states[] = {"ok", "warning", "critical", "unknown"};
    if (entry == NULL) {
        return;
    }
    const char *const *states = host ? host_states : service_states;
    int count = host ? 2 : 4;
    for (int i = 0; i < count; i++) {
        char digit[2] = {(char)('0' + i), '\0'};
        if (strcmp(entry->value, digit) == 0 || strcasecmp(entry->value, states[i]) == 0) {
            *out = i;
            return;
        }
    }
    parse_problem(p, entry->place, entry->name, "'%.80s' is no state: give %s", entry->value,
                  host ? "up or down" : "ok, warning, critical or unknown");
}
