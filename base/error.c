/* Names and texts of the errors, generated from the one list in error.h. */
#include "base/error.h"

const char *error_name(enum error e) {
    switch (e) {
#define ERROR(number, symbol, name, text)                                                                              \
    case symbol:                                                                                                       \
        return name;
        ERROR_LIST(ERROR)
#undef ERROR
    case ERR_LIMIT:
        break;
    }
    return "?";
}

const char *error_text(enum error e) {
    switch (e) {
#define ERROR(number, symbol, name, text)                                                                              \
    case symbol:                                                                                                       \
        return text;
        ERROR_LIST(ERROR)
#undef ERROR
    case ERR_LIMIT:
        break;
    }
    return "?";
}
