/* How alerts and states look to people and to scripts. Pure: the same input gives the same bytes, which `verify` relies
 * on. */
#ifndef QUORATE_CLIENT_RENDER_H
#define QUORATE_CLIENT_RENDER_H

#include "client/client.h"

/* One alert as its JSON line with its certificate, without the newline. */
void render_alert_json(struct buffer *out, const struct client_alert *a);
/* One alert for people, on one line, with its newline. */
void render_alert_text(struct buffer *out, const struct alert *a);
/* One object of a query page, as JSON without the newline and as text with its newline. */
void render_status_json(struct buffer *out, const struct query_page *page, const struct object_status *s);
void render_status_text(struct buffer *out, const struct query_page *page, const struct object_status *s);
void render_status_head(struct buffer *out);
/* How each observer stands with one object of a query page: a line for each, with its newline. */
void render_observers_text(struct buffer *out, const struct query_page *page, const struct object_status *s);
void render_observers_head(struct buffer *out);
/* The first line of text that others wrote, control characters replaced, so that it cannot steer a terminal. */
void render_plain(struct buffer *out, const char *text);
/* "850ms", "12s", "5m", "3h", "2d". */
void render_age(struct buffer *out, time_ms age);
/* "HOST", "HOST/SERVICE" or "cluster". */
void render_subject(struct buffer *out, const char *host, const char *service);
/* Blanks, at least one, up to `width` bytes behind `from`. */
void render_pad(struct buffer *out, size_t from, size_t width);

#endif
