/* Fuzz entry of session descriptions: what is read lies inside, and an answer can itself be read. */
#include <assert.h>
#include <stdint.h>

#include "adapters/sip/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct cf_sdp_local local = {
        .address = "192.0.2.1", .port = 4000, .codecs = 2, .codec = {{0, "PCMU"}, {8, "PCMA"}}};
    static char text[200000];
    struct cf_sip_out out = {.text = text, .bytes_max = sizeof(text)};
    struct cf_sdp offer, answer;
    if (cf_sdp_scan((const char *)data, size, &offer) != CF_SDP_ERROR_OK)
        return 0;
    assert(offer.streams <= CF_SDP_STREAMS_MAX && offer.audio < (int)offer.streams);
    for (unsigned i = 0; i < offer.streams; i++)
        assert((size_t)offer.stream[i].formats.at + offer.stream[i].formats.len <= size);
    const enum cf_sdp_direction ours = (enum cf_sdp_direction)(size % 4);
    const bool takes = cf_sdp_accepted(&offer, &local);
    assert((cf_sdp_mark(&offer) == 0) == (offer.origin.len == 0));
    assert(!cf_sdp_answer_holds(&offer, CF_SDP_SENDONLY) || cf_sdp_holds(&offer));
    if (cf_sdp_answer_as(&offer, &local, ours, 1, 1, &out) != CF_SDP_ERROR_OK) {
        assert(!takes && out.len == 0);
        return 0;
    }
    assert(!out.full);
    assert(cf_sdp_scan(text, out.len, &answer) == CF_SDP_ERROR_OK || out.len > UINT16_MAX);
    assert(out.len > UINT16_MAX || (answer.streams == offer.streams && answer.audio == offer.audio &&
                                    answer.stream[answer.audio].direction == cf_sdp_answer_direction(&offer, ours)));
    return 0;
}
