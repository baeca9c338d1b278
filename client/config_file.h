/* A YAML file with one list of entries: loading by schema, and problems told with FILE:LINE. libcyaml stays behind
   config_file.c and the files that hold a schema. */
#ifndef QUORATE_CLIENT_CONFIG_FILE_H
#define QUORATE_CLIENT_CONFIG_FILE_H

#include "base/bytes.h"
#include "base/error.h"

struct cyaml_schema_value;

enum { CONFIG_FILE_MAX = 16 << 20, CONFIG_PROBLEMS_MAX = 20 };

struct config_file {
    const char *path;  /* for messages */
    struct bytes text; /* the whole file, borrowed */
    unsigned problems; /* told so far */
};

/* Appends the file's bytes to text. ERR_NOT_FOUND, ERR_IO, ERR_OVERSIZED: why names the file. */
enum error config_file_read(struct buffer *text, const char *path, struct buffer *why);

/* One kind of file. read says what the raw data, in the schema's shape, mean, and tells what is wrong with them by
   config_file_problem; what it returns is free's to free, also after problems. */
struct config_kind {
    const struct cyaml_schema_value *schema;
    void *(*read)(struct config_file *file, struct buffer *why, const void *raw);
    void (*free)(void *config);
};
/* *out is what the kind's read made of it. ERR_MALFORMED: why holds one line "FILE:LINE: field: what is wrong: what to
   do" a problem, *out is NULL. config_file_load: also as config_file_read. */
enum error config_file_parse(void **out, const struct config_kind *kind, struct bytes text, const char *path,
                             struct buffer *why);
enum error config_file_load(void **out, const struct config_kind *kind, const char *path, struct buffer *why);

/* Adds one line "FILE:LINE: field: " and the text, which says what is wrong and what to do. The line is that of `field`
   in entry `index` of the top-level list `list`, or of the entry when it lacks the field; list NULL: a top-level field.
   Beyond CONFIG_PROBLEMS_MAX lines nothing is added but counted. */
void config_file_problem(struct config_file *file, struct buffer *why, const char *list, unsigned index,
                         const char *field, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* 1-based line as above. */
unsigned config_file_line(const struct config_file *file, const char *list, unsigned index, const char *field);

#endif
