/* Fuzz entry of a focus's documents: what is read has its bounds, its texts end, and the next document is read as if there had been none. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sip/roster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\"><users><user "
                               "entity=\"a\"/></users></conference-info>";
    static struct cf_sip_roster roster;
    cf_sip_roster_read((const char *)data, size, 1, &roster);
    assert(roster.count <= CF_SIP_ATTENDEES_MAX && roster.used <= sizeof(roster.text));
    for (unsigned i = 0; i < roster.count; i++) {
        assert(strlen(roster.attendee[i].user) < sizeof(roster.text));
        assert(strlen(roster.attendee[i].endpoint) < sizeof(roster.text));
    }
    const int read = cf_sip_roster_read(good, sizeof(good) - 1, 1, &roster);
    assert(read && roster.full && roster.count == 1 && strcmp(roster.attendee[0].user, "a") == 0);
    return 0;
}
