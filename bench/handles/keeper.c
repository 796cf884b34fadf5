#include "bench/handles/keeper.h"

const struct keeper_kind *const keeper_kinds[] = {
    &keeper_callfan,
    &keeper_callfan_shared,
#ifdef CALLFAN_URCU
    &keeper_urcu_glibc,
    &keeper_urcu_jemalloc,
#endif
#ifdef CALLFAN_CK_HT
    &keeper_ck_ht_glibc,
    &keeper_ck_ht_jemalloc,
#endif
    NULL,
};
