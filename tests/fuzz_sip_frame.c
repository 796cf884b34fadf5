/* Fuzz entry of the framing of SIP over streams: however the bytes are cut, the frames are the same, and each lies in what was given. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sip/frame.h"

enum { WORK_MAX = 1 << 20 }; /* bytes fed for the cuts of one input: up to 1 KiB it is cut at every byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came of an input: all frames in one number, how many, and how it ended. */
struct outcome {
    uint64_t digest;
    unsigned frames;
    bool inside;
    enum cf_sip_frame_fault fault;
};

static char held[CF_SIP_FRAME_BYTES];

static uint64_t mix(uint64_t digest, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        digest = (digest ^ (uint8_t)bytes[i]) * 0x100000001b3u;
    return digest;
}

static void feed(struct cf_sip_framer *f, struct outcome *o, const char *bytes, size_t len)
{
    const char *at = bytes;
    const char *end = bytes + len;
    struct cf_sip_frame frame;
    enum cf_sip_frame_what what;
    while ((what = cf_sip_framer_next(f, &at, end, &frame)) != CF_SIP_FRAME_MORE && what != CF_SIP_FRAME_FAULT) {
        const char kind = (char)what;
        assert(at <= end && cf_sip_framer_check(f));
        o->frames++;
        o->digest = mix(o->digest, &kind, 1);
        if (what != CF_SIP_FRAME_MESSAGE)
            continue;
        const bool in_place = frame.bytes >= bytes && frame.bytes + frame.len <= end;
        assert(in_place || (frame.bytes == held && frame.len <= sizeof(held)));
        o->digest = mix(mix(o->digest, frame.bytes, frame.len), (const char *)&frame.len, sizeof(frame.len));
    }
    assert(what == CF_SIP_FRAME_FAULT || at == end);
    assert(cf_sip_framer_check(f));
}

/* Feeds pieces of `step` bytes, the first of `first` bytes, each in memory of its own. */
static struct outcome run(const uint8_t *data, size_t size, size_t first, size_t step)
{
    struct cf_sip_framer f;
    struct outcome o = {0};
    cf_sip_framer_init(&f, held);
    for (size_t at = 0, len = first; at < size; at += len, len = step) {
        len = len < size - at ? len : size - at;
        char *piece = malloc(len);
        assert(piece != NULL);
        memcpy(piece, data + at, len);
        feed(&f, &o, piece, len);
        free(piece);
    }
    o.inside = cf_sip_framer_inside(&f);
    o.fault = f.fault;
    return o;
}

static void same(const struct outcome *a, const struct outcome *b)
{
    assert(a->frames == b->frames && a->digest == b->digest && a->fault == b->fault);
    assert(a->fault != CF_SIP_FRAME_NONE || a->inside == b->inside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cf_sip_framer f;
    struct outcome whole = {0};
    cf_sip_framer_init(&f, held);
    feed(&f, &whole, (const char *)data, size);
    whole.inside = cf_sip_framer_inside(&f);
    whole.fault = f.fault;
    const size_t stride = size * size / WORK_MAX + 1;
    for (size_t cut = 1; cut < size; cut += stride) {
        const struct outcome cut_once = run(data, size, cut, size);
        same(&whole, &cut_once);
    }
    static const size_t steps[] = {1, 2, 3, 7, 64, 1460};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const struct outcome pieces = run(data, size, steps[i], steps[i]);
        same(&whole, &pieces);
    }
    return 0;
}
