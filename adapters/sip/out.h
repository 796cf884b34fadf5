/*
 * Writing a message into a fixed buffer: what does not fit sets `full` and nothing more is written.
 */
#ifndef CALLFAN_ADAPTERS_SIP_OUT_H
#define CALLFAN_ADAPTERS_SIP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cf_sip_out {
    char *text;
    size_t bytes_max;
    size_t len;
    bool full;
};

static inline void cf_sip_put(struct cf_sip_out *out, const char *text, size_t len)
{
    if (out->full || len > out->bytes_max - out->len) {
        out->full = true;
        return;
    }
    memcpy(out->text + out->len, text, len);
    out->len += len;
}
#define CF_SIP_PUT(out, literal) cf_sip_put((out), "" literal, sizeof(literal) - 1)

static inline void cf_sip_put_string(struct cf_sip_out *out, const char *string)
{
    cf_sip_put(out, string, strlen(string));
}

static inline void cf_sip_put_number(struct cf_sip_out *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    cf_sip_put(out, digits + at, sizeof(digits) - at);
}

static inline void cf_sip_put_hex64(struct cf_sip_out *out, uint64_t number)
{
    char digits[16];
    for (size_t i = 0; i < sizeof(digits); i++)
        digits[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
    cf_sip_put(out, digits, sizeof(digits));
}

/* A header value as it came, on one line: folds and any byte that could end the line become a space. Eight bytes at a time: a word
 * without a byte below 0x20 is the rule. */
static inline void cf_sip_put_value(struct cf_sip_out *out, const char *text, size_t len)
{
    if (out->full || len > out->bytes_max - out->len) {
        out->full = true;
        return;
    }
    char *to = out->text + out->len;
    size_t i = 0;
    for (uint64_t word; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, text + i, sizeof(word));
        memcpy(to + i, &word, sizeof(word));
        if (((word - 0x2020202020202020u) & ~word & 0x8080808080808080u) == 0)
            continue;
        for (size_t k = i; k < i + sizeof(word); k++)
            to[k] = (uint8_t)text[k] < 0x20 ? ' ' : text[k];
    }
    for (; i < len; i++)
        to[i] = (uint8_t)text[i] < 0x20 ? ' ' : text[i];
    out->len += len;
}

#endif
