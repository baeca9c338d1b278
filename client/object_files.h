/* What `quorate apply` is given on its command line as sources for checks/objects.h: files, directories (all *.cfg
   below them) and a nagios.cfg with the files that it names. */
#ifndef QUORATE_CLIENT_OBJECT_FILES_H
#define QUORATE_CLIENT_OBJECT_FILES_H

#include "checks/objects.h"

enum { OBJECT_FILES_MAX = 100000, OBJECT_FILES_DEPTH_MAX = 32 };

struct object_files {
    struct object_source *sources; /* in the order of the command line; directories in byte order of their names */
    size_t count, cap;
    struct buffer *texts;          /* beside sources */
    struct object_options options; /* of the nagios.cfg, else the defaults */
    struct buffer ignored; /* settings of the nagios.cfg that quorate does not use, as objects_parse lists them */
};
/* Reads path and what it leads to. A file that was read before is not read again. why: one line a problem,
   "FILE[:LINE]: what is wrong: what to do"; reading goes on behind a problem. */
void object_files_add(struct object_files *f, const char *path, struct buffer *why);
void object_files_free(struct object_files *f);

#endif
