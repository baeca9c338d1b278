/* URLs are read by libcurl's own parser, so that what was checked is what is used. */
#include "client/notify_target.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

static const char ALERTS_PATH[] = "/api/v2/alerts";

/* NULL: no URL of a scheme that libcurl knows. */
static CURLU *parse(const char *url) {
    CURLU *u = curl_url();
    if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK) {
        curl_url_cleanup(u);
        u = NULL;
    }
    return u;
}

/* The part, or NULL when the URL has none; freed by curl_free. */
static char *part_of(CURLU *u, CURLUPart part) {
    char *text = NULL;
    return curl_url_get(u, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool has(CURLU *u, CURLUPart part) {
    char *text = part_of(u, part);
    curl_free(text);
    return text != NULL;
}

static bool plain(const char *url) {
    for (const char *at = url; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return false;
        }
    }
    return true;
}

static bool scheme_is(CURLU *u, const char *one, const char *other) {
    char *scheme = part_of(u, CURLUPART_SCHEME);
    bool fits = scheme != NULL && (strcmp(scheme, one) == 0 || strcmp(scheme, other) == 0);
    curl_free(scheme);
    return fits;
}

const char *target_url_problem(const char *url, bool mail) {
    if (strlen(url) > TARGET_URL_MAX || !plain(url)) {
        return "is too long or holds blanks or other than ASCII: write %XX for such characters";
    }
    CURLU *u = strstr(url, "://") == NULL ? NULL : parse(url);
    const char *problem = NULL;
    if (u == NULL || !(mail ? scheme_is(u, "smtp", "smtps") : scheme_is(u, "http", "https"))) {
        problem = mail ? "is no mail server's URL: write smtp://HOST:PORT or smtps://HOST"
                       : "is no web address: write https://HOST/PATH or http://HOST:PORT/PATH";
    } else if (has(u, CURLUPART_FRAGMENT)) {
        problem = "has a #fragment, which is never sent: remove it";
    } else if (mail && has(u, CURLUPART_QUERY)) {
        problem = "has a ?query, which mail servers do not know: remove it";
    }
    curl_url_cleanup(u);
    return problem;
}

bool target_url_has_login(const char *url) {
    CURLU *u = parse(url);
    bool login = u != NULL && has(u, CURLUPART_USER);
    curl_url_cleanup(u);
    return login;
}

void target_url_name(struct buffer *out, const char *url) {
    CURLU *u = parse(url);
    char *scheme = u == NULL ? NULL : part_of(u, CURLUPART_SCHEME),
         *host = u == NULL ? NULL : part_of(u, CURLUPART_HOST);
    char *port = u == NULL ? NULL : part_of(u, CURLUPART_PORT);
    buffer_printf(out, "%s://%s%s%s", scheme == NULL ? "" : scheme, host == NULL ? "" : host, port == NULL ? "" : ":",
                  port == NULL ? "" : port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
}

/* --- what nobody is to read --- */

static void hide(struct buffer *text, struct bytes secret, bool cut) {
    struct buffer out = {0};
    for (size_t i = 0; i < text->len;) {
        size_t left = text->len - i, len = left < secret.len ? left : secret.len;
        bool here = (len == secret.len || cut) && memcmp(text->data + i, secret.data, len) == 0;
        if (here) {
            buffer_printf(&out, "...");
        } else {
            buffer_u8(&out, text->data[i]);
        }
        i += here ? len : 1;
    }
    buffer_clear(text);
    buffer_put(text, out.data, out.len);
    buffer_free(&out);
}

/* Servers tell a path, or what of it they did not find. */
static void hide_pieces(struct buffer *text, const char *secret, bool cut) {
    enum { PIECE_MIN = 4 };
    while (*secret != '\0') {
        size_t len = strcspn(secret, "/?&=");
        if (len >= PIECE_MIN) {
            hide(text, bytes_of(secret, len), cut);
        }
        secret += len + (secret[len] != '\0');
    }
}

void target_url_hide(struct buffer *text, const char *url, bool cut) {
    static const CURLUPart PARTS[] = {CURLUPART_PATH, CURLUPART_QUERY, CURLUPART_USER, CURLUPART_PASSWORD};
    enum { FORMS = 2 * sizeof PARTS / sizeof PARTS[0] }; /* each as it is written, and as it is meant */
    CURLU *u = parse(url);
    for (size_t i = 0; u != NULL && i < 2 * (size_t)FORMS; i++) {
        size_t form = i % FORMS;
        char *secret = NULL;
        CURLUcode e = curl_url_get(u, PARTS[form / 2], &secret, form % 2 == 0 ? 0 : CURLU_URLDECODE);
        if (e == CURLUE_OK && secret[0] != '\0' && strcmp(secret, "/") != 0) {
            if (i < FORMS) {
                hide(text, bytes_of_text(secret), cut);
            } else {
                hide_pieces(text, secret, cut);
            }
        }
        curl_free(secret);
    }
    curl_url_cleanup(u);
}

void target_alerts_url(struct buffer *out, const char *url) {
    size_t len = strlen(url), suffix = sizeof ALERTS_PATH - 1;
    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    bool there = len >= suffix && memcmp(url + len - suffix, ALERTS_PATH, suffix) == 0;
    buffer_printf(out, "%.*s%s", (int)len, url, there ? "" : ALERTS_PATH);
}

bool target_address_valid(struct bytes address) {
    size_t ats = 0, at = 0;
    for (size_t i = 0; i < address.len; i++) {
        uint8_t c = address.data[i];
        if (c <= ' ' || c > '~' || strchr("<>()[],;:\\\"", c) != NULL) {
            return false;
        }
        ats += c == '@';
        at = c == '@' ? i : at;
    }
    return ats == 1 && at > 0 && at + 1 < address.len && address.len <= TARGET_ADDRESS_MAX && address.data[0] != '-';
}
