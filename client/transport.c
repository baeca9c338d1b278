/* libcurl's multi interface with one transfer at a time, so that waiting ends when the handler is asked to stop. */
#include "client/transport.h"

#include "base/invariant.h"
#include "client/notify_target.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT = 10000, WAIT_MAX = 1000, TOLD_MAX = 120 };

struct transport {
    CURLM *multi;
    int stop_fd;
};

/* One exchange. */
struct exchange {
    CURL *easy;
    const char *url;
    struct curl_slist *headers, *recipients;
    char error[CURL_ERROR_SIZE];
    char told[TOLD_MAX + 1]; /* how the answer begins; of a mail server, its last line */
    size_t told_len, answer; /* answer: bytes of it so far */
    struct bytes left;       /* of the text still to be sent */
    bool sent;               /* any of it was asked for */
    CURLcode result;
    long code;
};

static void start_library(void) {
    CURLcode e = curl_global_init(CURL_GLOBAL_DEFAULT);
    ENSURE(e == CURLE_OK);
}

struct transport *transport_new(int stop_fd) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_library);
    struct transport *t = xcalloc(1, sizeof *t);
    *t = (struct transport){.multi = curl_multi_init(), .stop_fd = stop_fd};
    ENSURE(t->multi != NULL);
    return t;
}

void transport_free(struct transport *t) {
    if (t != NULL) {
        curl_multi_cleanup(t->multi);
        free(t);
    }
}

/* --- what comes and goes --- */

/* Too much of an answer ends the exchange. */
static size_t count_only(struct exchange *x, size_t len) {
    x->answer += len;
    return x->answer > TRANSPORT_ANSWER_MAX ? 0 : len;
}

/* Keeps how it begins. */
static size_t take_body(const char *data, size_t size, size_t count, void *self) {
    struct exchange *x = self;
    size_t len = size * count, room = TOLD_MAX - x->told_len;
    memcpy(x->told + x->told_len, data, len < room ? len : room);
    x->told_len += len < room ? len : room;
    return count_only(x, len);
}

static size_t take_header(const char *data, size_t size, size_t count, void *self) {
    (void)data;
    return count_only(self, size * count);
}

/* Lines of a mail server: the last one says why it refuses, but for the farewell behind it. */
static size_t take_line(const char *data, size_t size, size_t count, void *self) {
    struct exchange *x = self;
    size_t len = size * count;
    while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r')) {
        len--;
    }
    if (len > 0 && data[0] == '2' && (x->told[0] == '4' || x->told[0] == '5')) {
        return count_only(x, size * count);
    }
    x->told_len = len < TOLD_MAX ? len : TOLD_MAX;
    memcpy(x->told, data, x->told_len);
    x->told[x->told_len] = '\0';
    return count_only(x, size * count);
}

static size_t give_text(char *out, size_t size, size_t count, void *self) {
    struct exchange *x = self;
    size_t room = size * count, len = x->left.len < room ? x->left.len : room;
    memcpy(out, x->left.data, len);
    x->left = bytes_of(x->left.data + len, x->left.len - len);
    x->sent = true;
    return len;
}

/* --- options --- */

#define SET(x, option, value)                                                                                          \
    do {                                                                                                               \
        CURLcode set_ = curl_easy_setopt((x)->easy, option, value);                                                    \
        ENSURE(set_ == CURLE_OK);                                                                                      \
    } while (0)

static void allow(struct exchange *x, bool mail) {
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(x, CURLOPT_PROTOCOLS_STR, mail ? "smtp,smtps" : "http,https");
#else
    SET(x, CURLOPT_PROTOCOLS, (long)(mail ? CURLPROTO_SMTP | CURLPROTO_SMTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void begin(struct exchange *x, const char *url, const char *ca, mono_ms timeout, bool mail) {
    *x = (struct exchange){.url = url, .easy = curl_easy_init()};
    ENSURE(x->easy != NULL);
    SET(x, CURLOPT_ERRORBUFFER, x->error);
    SET(x, CURLOPT_NOSIGNAL, 1L);
    SET(x, CURLOPT_URL, url);
    allow(x, mail);
    SET(x, CURLOPT_FOLLOWLOCATION, 0L);
    SET(x, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(x, CURLOPT_SSL_VERIFYHOST, 2L);
    if (ca != NULL) {
        SET(x, CURLOPT_CAINFO, ca);
        SET(x, CURLOPT_CAPATH, NULL);
    }
    SET(x, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(x, CURLOPT_TIMEOUT_MS, (long)timeout);
    SET(x, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout < CONNECT_TIMEOUT ? timeout : CONNECT_TIMEOUT));
    SET(x, CURLOPT_WRITEFUNCTION, take_body);
    SET(x, CURLOPT_WRITEDATA, x);
    SET(x, CURLOPT_HEADERFUNCTION, mail ? take_line : take_header);
    SET(x, CURLOPT_HEADERDATA, x);
}

static void end(struct exchange *x) {
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    curl_slist_free_all(x->recipients);
}

static void add(struct curl_slist **list, const char *text) {
    struct curl_slist *longer = curl_slist_append(*list, text);
    ENSURE(longer != NULL);
    *list = longer;
}

/* --- the exchange --- */

static bool wait_or_stop(struct transport *t) {
    struct curl_waitfd stop = {.fd = t->stop_fd, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(t->multi, &stop, 1, WAIT_MAX, NULL);
    return stop.revents != 0;
}

/* false: asked to stop. Else result and code are those of the exchange. */
static bool perform(struct transport *t, struct exchange *x) {
    int running = 0, left;
    bool stopped = false;
    CURLMcode added = curl_multi_add_handle(t->multi, x->easy);
    ENSURE(added == CURLM_OK);
    do {
        curl_multi_perform(t->multi, &running);
        stopped = running > 0 && wait_or_stop(t);
    } while (running > 0 && !stopped);
    x->result = CURLE_OPERATION_TIMEDOUT;
    for (CURLMsg *m; (m = curl_multi_info_read(t->multi, &left)) != NULL;) {
        if (m->msg == CURLMSG_DONE && m->easy_handle == x->easy) {
            x->result = m->data.result;
        }
    }
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->code);
    curl_multi_remove_handle(t->multi, x->easy);
    return !stopped;
}

/* Their words in plain ASCII: what they are made of is theirs to choose. */
static void say(struct buffer *said, struct exchange *x, const char *protocol) {
    const char *error = x->error[0] != '\0' ? x->error : curl_easy_strerror(x->result);
    for (size_t i = 0; i < x->told_len; i++) {
        x->told[i] = x->told[i] < ' ' || x->told[i] > '~' ? '?' : x->told[i];
    }
    target_url_name(said, x->url);
    if (x->code > 0) {
        buffer_printf(said, ": %s %ld", protocol, x->code);
    }
    buffer_printf(said, ": ");
    struct buffer words = {0};
    buffer_printf(&words, "%s", x->told_len > 0 && x->code >= 300 ? x->told : error);
    target_url_hide(&words, x->url, x->told_len == TOLD_MAX);
    buffer_plain(said, buffer_cstr(&words));
    buffer_free(&words);
}

static enum carry_end judge_post(const struct exchange *x) {
    if (x->code >= 200 && x->code < 300) {
        return CARRY_DONE; /* whatever became of the answer's body */
    }
    /* These speak of what was sent. Others, a login that ran out or a page that is away, may pass. */
    bool about_this = x->code == 400 || x->code == 413 || x->code == 415 || x->code == 422;
    return about_this ? CARRY_REFUSED : CARRY_FAILED;
}

enum carry_end transport_post(struct transport *t, const struct transport_post *post, struct buffer *said) {
    struct exchange x;
    struct buffer key = {0};
    begin(&x, post->url, post->ca, post->timeout, false);
    add(&x.headers, "Content-Type: application/json");
    add(&x.headers, "Expect:"); /* no waiting for a 100 */
    if (post->key != NULL) {
        buffer_printf(&key, "Idempotency-Key: %s", post->key);
        add(&x.headers, buffer_cstr(&key));
    }
    SET(&x, CURLOPT_HTTPHEADER, x.headers);
    SET(&x, CURLOPT_USERAGENT, "quorate/" QUORATE_VERSION);
    SET(&x, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->json.len);
    SET(&x, CURLOPT_POSTFIELDS, (const char *)post->json.data);
    enum carry_end end_of = CARRY_STOPPED;
    if (perform(t, &x)) {
        end_of = judge_post(&x);
        say(said, &x, "HTTP");
    }
    end(&x);
    buffer_free(&key);
    return end_of;
}

/* A greeting or a login that fails says nothing about this mail. */
static enum carry_end judge_mail(const struct exchange *x) {
    if (x->result == CURLE_OK) {
        return CARRY_DONE;
    }
    bool about_this = x->result == CURLE_SEND_ERROR || (x->result == CURLE_WEIRD_SERVER_REPLY && x->sent);
    return about_this && x->code >= 500 && x->code < 600 ? CARRY_REFUSED : CARRY_FAILED;
}

static void bracket(struct buffer *out, const char *address) {
    buffer_printf(out, "<%s>", address);
}

enum carry_end transport_mail(struct transport *t, const struct transport_mail *mail, struct buffer *said) {
    struct exchange x;
    struct buffer from = {0}, to = {0};
    bool tls = mail->starttls || target_url_has_login(mail->url);
    begin(&x, mail->url, mail->ca, mail->timeout, true);
    bracket(&from, mail->from);
    bracket(&to, mail->to);
    add(&x.recipients, buffer_cstr(&to));
    x.left = mail->text;
    SET(&x, CURLOPT_MAIL_FROM, buffer_cstr(&from));
    SET(&x, CURLOPT_MAIL_RCPT, x.recipients);
    SET(&x, CURLOPT_USE_SSL, (long)(tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    SET(&x, CURLOPT_UPLOAD, 1L);
    SET(&x, CURLOPT_READFUNCTION, give_text);
    SET(&x, CURLOPT_READDATA, &x);
    enum carry_end end_of = CARRY_STOPPED;
    if (perform(t, &x)) {
        end_of = judge_mail(&x);
        say(said, &x, "SMTP");
    }
    end(&x);
    buffer_free(&from);
    buffer_free(&to);
    return end_of;
}
