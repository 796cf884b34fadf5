/* Which records a trial may set aside. */
#include "tests/model/model.h"

/* Not those from whose answers the harness learns what it has to know. */
bool m_may_set_aside(const struct cf_message *r) {
    switch (r->id) {
    case CF_EV_NEW_CALL:
    case CF_EV_CALL_STATE:
    case CF_EV_CALL_INFO:
    case CF_EV_REPLY:
    case CF_EV_DIGIT:
    case CF_EV_MEDIA:
    case CF_EV_TONE:
    case CF_EV_DEV_SPECIFIC:
    case CF_REQ_MONITOR_DIGITS:
    case CF_REQ_MONITOR_MEDIA:
    case CF_REQ_MONITOR_TONES:
    case CF_REQ_PING:
    case CF_REQ_OPEN:
    case CF_REQ_LINE_STATUS:
    case CF_REQ_STATUS_MESSAGES:
    case CF_REQ_CALL_STATUS:
    case CF_REQ_SET_PRIVILEGE:
    case CF_REQ_RELEASE_ASK:
    case CF_REQ_GENERATE_DIGITS:
    case CF_REQ_GENERATE_TONE:
    case CF_REQ_GATHER_DIGITS:
    case CF_REQ_HANDOFF:
    case CF_REQ_SET_APP_SPECIFIC:
    case CF_REQ_SET_MEDIA_MODE:
    case CF_REQ_ADDRESS_STATUS:
    case CF_REQ_SET_APP_PRIORITY:
    case CF_REQ_GET_APP_PRIORITY:
    case CF_REQ_MAKE_CALL:
    case CF_REQ_ACCEPT:
    case CF_REQ_ANSWER:
    case CF_REQ_DROP:
    case CF_REQ_HOLD:
    case CF_REQ_UNHOLD:
    case CF_REQ_SET_CALL_PARAMS:
    case CF_REQ_SWAP_HOLD:
    case CF_REQ_SETUP_TRANSFER:
    case CF_REQ_COMPLETE_TRANSFER:
    case CF_REQ_BLIND_TRANSFER:
    case CF_REQ_SETUP_CONFERENCE:
    case CF_REQ_PREPARE_ADD:
    case CF_REQ_ADD_TO_CONFERENCE:
    case CF_REQ_REMOVE_FROM_CONFERENCE:
    case CF_REQ_DIAL:
    case CF_REQ_REDIRECT:
    case CF_REQ_SECURE_CALL:
    case CF_REQ_PARK:
    case CF_REQ_UNPARK:
    case CF_REQ_PICKUP:
    case CF_REQ_FORWARD:
    case CF_REQ_COMPLETE_CALL:
    case CF_REQ_UNCOMPLETE_CALL:
    case CF_REQ_DEV_SPECIFIC:
    case CF_REQ_SEND_USER_USER:
    case CF_REQ_RELEASE_USER_USER:
    case CF_REQ_SET_CALL_DATA:
    case CF_REQ_SET_CALL_TREATMENT:
    case CF_REQ_CONF_CALLS:
        return true;
    default:
        return false;
    }
}
