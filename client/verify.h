/* Checks one alert line without any replica: with the public side of the cluster alone. Pure. */
#ifndef QUORATE_CLIENT_VERIFY_H
#define QUORATE_CLIENT_VERIFY_H

#include "base/bytes.h"
#include "crypto/receipt.h"

/* line: one JSON object as `quorate alerts --json` prints it, without the newline. True iff its certificate holds
   exactly F valid receipts for its leaf and the line is, byte for byte, what the leaf renders to. Else why says what is
   wrong. number: the alert's number when it is proven, else 0. */
bool verify_line(const struct verifier *v, struct bytes line, uint64_t *number, struct buffer *why);

#endif
