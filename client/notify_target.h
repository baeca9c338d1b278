/* Where handlers that are no commands send to: checks of URLs and mail addresses. Pure. */
#ifndef QUORATE_CLIENT_NOTIFY_TARGET_H
#define QUORATE_CLIENT_NOTIFY_TARGET_H

#include "base/bytes.h"

enum { TARGET_URL_MAX = 2048, TARGET_ADDRESS_MAX = 254 };

/* NULL: an http(s) URL, or with `mail` an smtp(s) one, that can be used. Else what is wrong and what to do; never the
   URL itself, which may hold a password. */
const char *target_url_problem(const char *url, bool mail);
/* Whether the URL names a user: what it says must not travel in the clear. */
bool target_url_has_login(const char *url);
/* Scheme and host, for people: no user, password, path or query. */
void target_url_name(struct buffer *out, const char *url);
/* Replaces in the text what of the URL is secret by "...": path, query, user and password, each whole and in pieces of
   four characters or more. cut: the text may end within one of them. */
void target_url_hide(struct buffer *text, const char *url, bool cut);
/* The Alertmanager's own address as the one that takes alerts: with /api/v2/alerts behind it, unless it stands there.
 */
void target_alerts_url(struct buffer *out, const char *url);
/* LOCAL@DOMAIN in printable ASCII without blanks and <>()[],;:\" : nothing that could end a header or a command. */
bool target_address_valid(struct bytes address);

#endif
