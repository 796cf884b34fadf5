/* The same sources once more; every name with external linkage gets another one. */
#define CF_SIP_PORTABLE 1

#define cf_sip_char                sip_portable_char
#define cf_sip_lines_of_last       sip_portable_lines_of_last
#define cf_sip_utf8_length         sip_portable_utf8_length
#define cf_sip_copy_text           sip_portable_copy_text
#define cf_sip_param_next          sip_portable_param_next
#define cf_sip_via_read            sip_portable_via_read
#define cf_sip_via_read_within     sip_portable_via_read_within
#define cf_sip_address_read        sip_portable_address_read
#define cf_sip_address_read_within sip_portable_address_read_within
#define cf_sip_cseq_read           sip_portable_cseq_read
#define cf_sip_method_of           sip_portable_method_of
#define cf_sip_uri_read            sip_portable_uri_read
#define cf_sip_reason_read         sip_portable_reason_read
#define cf_sip_list_walk           sip_portable_list_walk
#define cf_sip_scan                sip_portable_scan
#define cf_sip_extra               sip_portable_extra
#define cf_sip_msg_answerable      sip_portable_msg_answerable
#define cf_sip_error_text          sip_portable_error_text
#define cf_sip_method_name         sip_portable_method_name

#include "tests/support/sip_portable.h"

#define slice_of field_slice_of /* both files have one, each for itself */
#include "adapters/sip/field.c"
#undef slice_of
#include "adapters/sip/scan.c"
#include "adapters/sip/text.c" /* last: its macros have short names */

static bool same_list(const struct cf_sip_list *a, const struct cf_sip_list *b)
{
    return a->count == b->count && memcmp(a->line, b->line, a->count * sizeof(a->line[0])) == 0;
}

static bool same_extras(const struct cf_sip_msg *a, const struct cf_sip_msg *b)
{
    for (unsigned i = 0; i < a->extras_count; i++)
        if (a->extra[i].header != b->extra[i].header || a->extra[i].value.at != b->extra[i].value.at ||
            a->extra[i].value.len != b->extra[i].value.len)
            return false;
    return true;
}

bool sip_same_scan(const struct cf_sip_msg *a, const struct cf_sip_msg *b)
{
    /* A scan clears what stands before `require`, padding too; the counts are there. */
    return memcmp(a, b, offsetof(struct cf_sip_msg, require)) == 0 && same_list(&a->require, &b->require) &&
           same_list(&a->supported, &b->supported) && same_list(&a->reasons, &b->reasons) &&
           same_list(&a->asserted, &b->asserted) && memcmp(a->vias, b->vias, a->vias_count * sizeof(a->vias[0])) == 0 &&
           memcmp(a->routes, b->routes, a->routes_count * sizeof(a->routes[0])) == 0 && same_extras(a, b);
}
