/* What an operator remarks while a fault lasts. Results are idempotent, so a request that took effect twice shows
   nowhere in them; a comment that did stands there twice. */
#ifndef QUORATE_CLIENT_DRILL_REMARKS_H
#define QUORATE_CLIENT_DRILL_REMARKS_H

#include "client/drill/scene.h"

/* The text of the remark of that number, 1, 2 ... */
void remark_text(char out[32], unsigned number);
/* How often it stands in the lines of `quorate comment --list --json`; NULL: never. */
unsigned remark_count(const json_t *list, unsigned number);

/* When everything is healed: each of scene_remark's comes, or liveness is broken, and none twice, or validity is. */
void remarks_judge(struct scene *s);

#endif
