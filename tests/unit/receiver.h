/* A small HTTP or mail server on loopback for tests of deliveries: answers as it is told and keeps what it was given.
   One connection at a time, of HTTP one request each. */
#ifndef QUORATE_TESTS_RECEIVER_H
#define QUORATE_TESTS_RECEIVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVER_KEPT = 256, RECEIVER_SILENT = 0, RECEIVER_HANGS_UP = -1, RECEIVER_FLOODS = -2 };

struct received {
    char *head, *body; /* HTTP: header and body. Mail: the lines of the client up to DATA, and the mail, unstuffed */
};
struct receiver {
    bool mail;
    const char *refuses; /* mail: this recipient gets a 550; NULL: none */
    const int *answers;  /* codes in order, closed by the one that is repeated from then on */
    unsigned answer_count;
    void (*before_answer)(void *context, unsigned nth); /* may be NULL */
    void *context;
    unsigned short port;
    int listener, open;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
    size_t flooded; /* bytes that a FLOODS answer got rid of */
    struct received list[RECEIVER_KEPT];
};

struct receiver_text {
    char *data;
    size_t len;
};

static inline void receiver_append(struct receiver_text *t, const char *data, size_t len) {
    t->data = realloc(t->data, t->len + len + 1);
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
}

static inline bool receiver_read(int fd, struct receiver_text *t) {
    char part[16384];
    ssize_t got = read(fd, part, sizeof part);
    if (got > 0) {
        receiver_append(t, part, (size_t)got);
    }
    return got > 0;
}

static inline bool receiver_say(int fd, const char *text) {
    size_t len = strlen(text);
    return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Keeps a request; which one it is, from 0. Before it is told to those who wait, `before_answer` is called. */
static inline unsigned receiver_keep(struct receiver *r, struct received got) {
    pthread_mutex_lock(&r->lock);
    unsigned nth = r->count++;
    struct received *kept = &r->list[nth % RECEIVER_KEPT]; /* the newest ones */
    free(kept->head);
    free(kept->body);
    *kept = got;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (r->before_answer != NULL) {
        r->before_answer(r->context, nth);
    }
    return nth;
}

static inline int receiver_answer(const struct receiver *r, unsigned nth) {
    return r->answers[nth < r->answer_count ? nth : r->answer_count - 1];
}

static inline void receiver_await_hang_up(int fd) {
    struct receiver_text rest = {0};
    while (receiver_read(fd, &rest)) {
    }
    free(rest.data);
}

static inline void receiver_flood(struct receiver *r, int fd) {
    static const char zeros[65536];
    receiver_say(fd, "HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n");
    while (r->flooded < 1000000000 && send(fd, zeros, sizeof zeros, MSG_NOSIGNAL) > 0) {
        r->flooded += sizeof zeros;
    }
}

static inline void receiver_http(struct receiver *r, int fd) {
    struct receiver_text got = {0};
    char *end = NULL, answer[160];
    size_t body = 0;
    while ((end == NULL || got.len < body) && receiver_read(fd, &got)) {
        end = strstr(got.data, "\r\n\r\n");
        const char *length = end == NULL ? NULL : strcasestr(got.data, "\r\nContent-Length:");
        body = end == NULL ? 0 : (size_t)(end + 4 - got.data) + (length == NULL ? 0 : (size_t)atol(length + 17));
    }
    if (end == NULL || got.len < body) {
        free(got.data);
        return;
    }
    char *content = strdup(end + 4);
    end[2] = '\0';
    int code = receiver_answer(r, receiver_keep(r, (struct received){got.data, content}));
    snprintf(answer, sizeof answer,
             "HTTP/1.1 %d Told\r\nContent-Length: 8\r\nConnection: close\r\nLocation: "
             "http://127.0.0.1:%u/on\r\n\r\nbecause\n",
             code, r->port);
    if (code == RECEIVER_SILENT) {
        receiver_await_hang_up(fd);
    } else if (code == RECEIVER_FLOODS) {
        receiver_flood(r, fd);
    } else if (code != RECEIVER_HANGS_UP) {
        receiver_say(fd, answer);
    }
}

/* The next line without its end, cut out of t; NULL: the client hung up. The caller frees it. */
static inline char *receiver_line(int fd, struct receiver_text *t) {
    char *end;
    while (t->data == NULL || (end = strstr(t->data, "\r\n")) == NULL) {
        if (!receiver_read(fd, t)) {
            return NULL;
        }
    }
    size_t len = (size_t)(end - t->data);
    char *line = strndup(t->data, len);
    t->len -= len + 2;
    memmove(t->data, end + 2, t->len + 1);
    return line;
}

static inline bool receiver_mail_text(int fd, struct receiver_text *t, struct receiver_text *mail) {
    for (char *line; (line = receiver_line(fd, t)) != NULL; free(line)) {
        const char *text = line[0] == '.' ? line + 1 : line;
        if (strcmp(line, ".") == 0) {
            free(line);
            return true;
        }
        receiver_append(mail, text, strlen(text));
        receiver_append(mail, "\r\n", 2);
    }
    return false;
}

static inline void receiver_mail(struct receiver *r, int fd) {
    struct receiver_text got = {0}, said = {0}, mail = {0};
    char answer[64];
    bool go_on = receiver_say(fd, "220 receiver\r\n");
    for (char *line; go_on && (line = receiver_line(fd, &got)) != NULL; free(line)) {
        receiver_append(&said, line, strlen(line));
        receiver_append(&said, "\n", 1);
        if (strncmp(line, "RCPT", 4) == 0 && r->refuses != NULL && strstr(line, r->refuses) != NULL) {
            receiver_say(fd, "550 no such person here\r\n");
        } else if (strcmp(line, "DATA") == 0) {
            receiver_say(fd, "354 go on\r\n");
            go_on = receiver_mail_text(fd, &got, &mail);
            if (go_on) {
                int code = receiver_answer(r, receiver_keep(r, (struct received){said.data, mail.data}));
                said = mail = (struct receiver_text){0};
                snprintf(answer, sizeof answer, "%d told\r\n", code);
                go_on = code > 0 && receiver_say(fd, answer);
            }
        } else {
            receiver_say(fd, strcmp(line, "QUIT") == 0 ? "221 bye\r\n" : "250 yes\r\n");
            go_on = strcmp(line, "QUIT") != 0;
        }
    }
    free(got.data);
    free(said.data);
    free(mail.data);
}

static inline void *receiver_serve(void *self) {
    struct receiver *r = self;
    for (int fd; (fd = accept(r->listener, NULL, NULL)) >= 0; close(fd)) {
        pthread_mutex_lock(&r->lock);
        r->open = fd;
        pthread_mutex_unlock(&r->lock);
        if (r->mail) {
            receiver_mail(r, fd);
        } else {
            receiver_http(r, fd);
        }
        pthread_mutex_lock(&r->lock);
        r->open = -1;
        pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

/* mail, answers and the rest are set; the port is the system's choice unless it is set. */
static inline bool receiver_start(struct receiver *r) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(r->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int yes = 1;
    r->open = -1;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->listener < 0 || setsockopt(r->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(r->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(r->listener, 16) != 0 ||
        getsockname(r->listener, (struct sockaddr *)&address, &len) != 0) {
        return false;
    }
    r->port = ntohs(address.sin_port);
    return pthread_create(&r->thread, NULL, receiver_serve, r) == 0;
}

static inline void receiver_stop(struct receiver *r) {
    shutdown(r->listener, SHUT_RDWR);
    pthread_mutex_lock(&r->lock);
    if (r->open >= 0) {
        shutdown(r->open, SHUT_RDWR);
    }
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    close(r->listener);
    for (unsigned i = 0; i < r->count && i < RECEIVER_KEPT; i++) {
        free(r->list[i].head);
        free(r->list[i].body);
    }
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
}

#endif
