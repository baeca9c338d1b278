/* Text forms of bytes: UTF-8 well-formedness, hex, and base64 that has exactly one spelling for each value. */
#include "base/bytes.h"

#include <string.h>

/* How many continuation bytes follow `lead`, and the bounds of the first of them (RFC 3629, table of section 4: this
   shuts out overlong forms, surrogates and what lies beyond U+10FFFF); -1: no lead byte. */
static int utf8_follow(uint8_t lead, uint8_t *low, uint8_t *high) {
    *low = 0x80;
    *high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 1;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *low = lead == 0xe0 ? 0xa0 : 0x80;
        *high = lead == 0xed ? 0x9f : 0xbf;
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *low = lead == 0xf0 ? 0x90 : 0x80;
        *high = lead == 0xf4 ? 0x8f : 0xbf;
        return 3;
    }
    return lead >= 0x01 && lead <= 0x7f ? 0 : -1;
}

bool utf8_valid(struct bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t low, high;
        int follow = utf8_follow(text.data[i], &low, &high);
        if (follow < 0 || (size_t)follow > text.len - i - 1) {
            return false;
        }
        for (; follow > 0; follow--) {
            uint8_t c = text.data[++i];
            if (c < low || c > high) {
                return false;
            }
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

void hex_encode(char *out, struct bytes in) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.len; i++) {
        *out++ = digits[in.data[i] >> 4];
        *out++ = digits[in.data[i] & 15];
    }
    *out = 0;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(uint8_t *out, size_t out_len, const char *text) {
    if (strlen(text) != out_len * 2) {
        return false;
    }
    for (size_t i = 0; i < out_len; i++) {
        int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buffer *b, struct bytes in) {
    for (size_t i = 0; i < in.len; i += 3) {
        size_t have = in.len - i < 3 ? in.len - i : 3;
        uint32_t group = (uint32_t)in.data[i] << 16;
        group |= have > 1 ? (uint32_t)in.data[i + 1] << 8 : 0;
        group |= have > 2 ? (uint32_t)in.data[i + 2] : 0;
        uint8_t *out = buffer_extend(b, 4);
        out[0] = (uint8_t)base64_digits[group >> 18];
        out[1] = (uint8_t)base64_digits[group >> 12 & 63];
        out[2] = have > 1 ? (uint8_t)base64_digits[group >> 6 & 63] : '=';
        out[3] = have > 2 ? (uint8_t)base64_digits[group & 63] : '=';
    }
}

/* The 6 bits of a digit, or -1. */
static int base64_value(char c) {
    const char *at = c == 0 ? NULL : strchr(base64_digits, c);
    return at == NULL ? -1 : (int)(at - base64_digits);
}

/* One group of four digits to 1..3 bytes; 0 when it is not canonical. Padding only in the last group, and the bits
   that padding leaves unused are zero, so that one value has one text. */
static size_t base64_group(uint8_t out[3], const char in[4], bool last) {
    size_t pad = in[3] != '=' ? 0 : in[2] != '=' ? 1 : 2;
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int v = i < 4 - pad ? base64_value(in[i]) : 0;
        if (v < 0) {
            return 0;
        }
        group = group << 6 | (uint32_t)v;
    }
    bool loose_bits = (pad == 1 && (group & 0xff) != 0) || (pad == 2 && (group & 0xffff) != 0);
    if (loose_bits || (pad > 0 && !last)) {
        return 0;
    }
    out[0] = (uint8_t)(group >> 16);
    out[1] = (uint8_t)(group >> 8);
    out[2] = (uint8_t)group;
    return 3 - pad;
}

bool base64_decode(struct buffer *b, const char *text) {
    size_t len = strlen(text), before = b->len;
    if (len % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i += 4) {
        uint8_t out[3];
        size_t got = base64_group(out, text + i, i + 4 == len);
        if (got == 0) {
            b->len = before;
            return false;
        }
        buffer_put(b, out, got);
    }
    return true;
}
