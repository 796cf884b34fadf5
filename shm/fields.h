/*
 * Fields: the payload of a long record.
 *
 * Shape      {uint16 tag, uint16 length, bytes} repeated without padding; tag 0 or the end of the payload closes the list
 * Errors     an append that does not fit returns false and changes nothing; a malformed list ends the iteration with
 *            bad set
 * Trust      cf_fields_next() never reads outside the payload whatever the bytes are
 */
#ifndef CF_SHM_FIELDS_H
#define CF_SHM_FIELDS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/record.h"

enum cf_field_tag {
    CF_FIELD_END = 0,
    CF_FIELD_CALLER = 1,       /* text, no NUL */
    CF_FIELD_CALLER_NAME = 2,
    CF_FIELD_CALLED = 3,
    CF_FIELD_CALLED_NAME = 4,
    CF_FIELD_NAME = 5,         /* of a line, provider, application */
    CF_FIELD_DESTINATION = 6,  /* dialable address of lineMakeCall */
    CF_FIELD_USER_USER = 7,
    CF_FIELD_ADDRESS = 8,      /* the line's own directory number */
    CF_FIELD_PROVIDER_INFO = 9,
    CF_FIELD_LINE_CAPS = 10,   /* struct cf_line_caps of callfan/provider.h */
    CF_FIELD_CALL_PARAMS = 11, /* struct cf_call_params of shm/request.h */
    CF_FIELD_RAW_CAUSE = 12,   /* text: the protocol's own cause, e.g. "SIP 486" */
    CF_FIELD_CONNECTED = 13,
    CF_FIELD_REDIRECTING = 14, /* who sent the call on: LINECALLINFO's redirecting party */
    CF_FIELD_REDIRECTING_NAME = 15,
    CF_FIELD_REDIRECTION = 16, /* where it goes instead of to the called party */
    CF_FIELD_REDIRECTION_NAME = 17,
    CF_FIELD_CONNECTED_NAME = 18,
    CF_FIELD_DIGITS = 19,      /* text: what lineGenerateDigits is to send, what lineGatherDigits got */
    CF_FIELD_GROUP = 21,       /* text: pickup group of linePickup */
    CF_FIELD_FORWARD_LIST = 22, /* entries as shm/forward.h says */
    CF_FIELD_CALL_DATA = 23,   /* bytes that an application keeps with a call */
    CF_FIELD_TERMINATION_DIGITS = 24, /* text: what ends lineGatherDigits */
    CF_FIELD_TONES = 25,       /* struct cf_tone[] or struct cf_heard_tone[] of shm/request.h */
    CF_FIELD_DEV_SPECIFIC = 26, /* bytes between an application and a provider */
    CF_FIELD_TARGET = 27,      /* text: where a consultation call goes at once (LINECALLPARAMFLAGS_ONESTEPTRANSFER); the application that lineHandoff names */
    CF_FIELD_PARK_ADDRESS = 28, /* text, CF_REPLY_TEXT_MAX at most: where linePark has put the call */
    CF_FIELD_APP_PRIORITY = 29, /* text: the application whose place in the lists is meant */
    CF_FIELD_COMPLETION = 30,  /* uint32: completion id of a call that comes by lineCompleteCall */
    CF_FIELD_DISPLAYABLE = 31, /* texts of lineMakeCall's parameters that LINECALLINFO shows again */
    CF_FIELD_CALLED_PARTY = 32,
    CF_FIELD_COMMENT = 33,
    CF_FIELD_RIGHTS = 20,      /* struct cf_rights of core/rights.h, between the door and the engine alone */
};

struct cf_field {
    uint16_t tag;
    uint16_t bytes;
    const uint8_t *data;
};

struct cf_fields {
    const uint8_t *at, *end;
    bool bad;
};

static inline bool cf_fields_append(struct cf_record *r, uint16_t tag, const void *data, uint32_t bytes) {
    if (bytes > UINT16_MAX || r->payload_bytes + 4 > sizeof r->payload || bytes > sizeof r->payload - r->payload_bytes - 4)
        return false;
    uint16_t head[2] = {tag, (uint16_t)bytes};
    memcpy(r->payload + r->payload_bytes, head, 4);
    if (data != NULL) /* nothing has no address */
        memcpy(r->payload + r->payload_bytes + 4, data, bytes);
    r->payload_bytes += 4 + bytes;
    return true;
}

static inline bool cf_fields_append_text(struct cf_record *r, uint16_t tag, const char *text) {
    return text == NULL || *text == '\0' || cf_fields_append(r, tag, text, (uint32_t)strlen(text));
}

static inline struct cf_fields cf_fields_of(const struct cf_record *r) {
    return (struct cf_fields){r->payload, r->payload + r->payload_bytes, false};
}

static inline bool cf_fields_next(struct cf_fields *f, struct cf_field *ret_field) {
    uint16_t head[2];
    if (f->bad || f->end - f->at < 4)
        return false;
    memcpy(head, f->at, 4);
    if (head[0] == CF_FIELD_END)
        return false;
    if (head[1] > f->end - f->at - 4) {
        f->bad = true;
        return false;
    }
    *ret_field = (struct cf_field){head[0], head[1], f->at + 4};
    f->at += 4 + head[1];
    return true;
}

/* The first field with that tag; false when there is none. */
static inline bool cf_fields_find(const struct cf_record *r, uint16_t tag, struct cf_field *ret_field) {
    struct cf_fields f = cf_fields_of(r);
    while (cf_fields_next(&f, ret_field))
        if (ret_field->tag == tag)
            return true;
    return false;
}

#endif
