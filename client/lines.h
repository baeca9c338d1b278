/* Check results as send_nsca takes them: text -> results, each with the line where it began. Pure. */
#ifndef QUORATE_CLIENT_LINES_H
#define QUORATE_CLIENT_LINES_H

#include "base/bytes.h"
#include "proto/op.h"

struct lines_options {
    char delimiter; /* between the fields; '\t' unless told */
    bool only_etb;  /* a result ends at ETB (0x17) only, so that output may hold newlines */
};
struct lines_bad {
    uint32_t line;
    char reason[96];
};
struct lines {
    struct arena arena; /* the text of all results */
    size_t count, bad_count;
    struct observation *results; /* obs_seq and observed_at are left 0 */
    uint32_t *at;                /* line of each result, from 1 */
    struct lines_bad *bad;
};

/* host, service, code, output or host, code, output. Blank lines are skipped; the output's perfdata is what follows the
   first '|' on its line; output longer than OUTPUT_MAX_LEN is cut at a character's end. */
void lines_parse(struct lines *out, struct bytes text, const struct lines_options *options);
void lines_free(struct lines *l);
/* At most max bytes, cut at the end of a character. */
struct bytes cut_text(struct bytes b, size_t max);
/* Output and perfdata of a plugin's "text | perfdata": further lines stay with the text; each is cut at
   OUTPUT_MAX_LEN. */
void lines_output(struct observation *o, struct bytes all, struct arena *arena);

#endif
