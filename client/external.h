/* Nagios' external commands as text, "[time] NAME;argument;argument": base/commands.c of Nagios Core. Pure. */
#ifndef QUORATE_CLIENT_EXTERNAL_H
#define QUORATE_CLIENT_EXTERNAL_H

#include "base/bytes.h"
#include "proto/op.h"

enum { EXTERNAL_LINE_MAX = 8192 };

enum external_kind {
    EXTERNAL_COMMAND, /* an operator's: command is filled */
    EXTERNAL_RESULT,  /* a check result, which an observer submits: result is filled, but for its number and time */
    EXTERNAL_BAD      /* why says what is wrong, or why there is no such thing here */
};
struct external {
    enum external_kind kind;
    struct op_command command;
    struct observation result;
    char why[160];
};
/* One line without its end. The texts lie in the arena. The time in brackets is not used: what counts is the agreed
   time at which the command is executed. */
void external_parse(struct external *out, struct bytes line, struct arena *arena);

#endif
