/*
 * Handles: generation, release, reuse and close.
 *
 * Models     -DCHILD  libcallfan's calls: shm/handle_table.c cf_handle_table_install() (H0), cf_handle_table_release_shared();
 *                     shm/handle_table.h cf_handle_child_write() (H3), cf_handle_child_read() (H0, H3), cf_handle_parent_live();
 *                     the close of a line is the release of the parent. Two lives of one slot, a state that changes in the first
 *            -DLIST   a table that allocates itself: push(), cf_handle_table_take() (H4), cf_handle_table_allocate(); two slots, two
 *                     threads that release what they are handed, an owner that allocates again and again
 * Memory     one word after the other. That is what these patterns see on x86: stores arrive in order, loads are made in order, every
 *            decision is a read-modify-write; no process stores one word and then looks at another's
 * Abstract   the queue of free slots is one list; order among them is not looked at
 *
 * prove: -DCHILD
 * prove: -DLIST
 * mutant: -DCHILD -DRELEASE_WITHOUT_CAS    a release stores the next generation when the look-up has found the life
 * mutant: -DCHILD -DRELEASE_ANY_LIFE       a release ends whatever life the slot is in
 * mutant: -DCHILD -DNOT_BUMPED             a release leaves the generation
 * mutant: -DCHILD -DNO_END_FIRST           install writes the words of a new life into the old one
 * mutant: -DCHILD -DGENERATION_FIRST       a reader loads the generation before the words
 * mutant: -DCHILD -DPARENT_NOT_ASKED       a look-up does not look at the line
 * mutant: -DLIST -DPUSH_WITHOUT_CAS        a push stores the head of the list
 * mutant: -DLIST -DTAKE_WITHOUT_SWAP       the owner looks at the list and then stores that it is empty
 * mutant: -DLIST -DBEGIN_WITHOUT_GENERATION  a slot that is used again lives in the generation before
 */
#ifdef CHILD
byte generation, parent_word, state;
byte line = 1; /* its generation: 1 lives */
byte handed;   /* the newest life that was handed on */
bit closed;
byte won;
byte over; /* processes that have done all */

/* cf_handle_child_read() of life h. ok: found, with the state in s. */
inline read_child(h, ok, s, g) {
#ifdef GENERATION_FIRST
    g = generation;
    s = state;
#else
    s = state;
    g = generation;
#endif
#ifdef PARENT_NOT_ASKED
    ok = (g == h)
#else
    ok = (g == h && line == 1)
#endif
}

inline install(h, s) {
    if
    :: line == 1 && generation < h ->
#ifndef NO_END_FIRST
        generation = h - 1;
#endif
        state = s;
        generation = h; /* H0 */
        handed = h
    :: else
    fi
}

active proctype consumer() {
    bool ok;
    byte s, g;
    install(1, 11);
    if
    :: handed == 1 -> /* a LINE_CALLSTATE, under the same lock */
        read_child(1, ok, s, g);
        if
        :: ok -> state = 12
        :: else
        fi
    :: else
    fi;
    s = 0; g = 0; ok = false;
    install(3, 33);
    over++
}

active [2] proctype releaser() {
    byte g;
    bool was_closed;
    do
    :: handed >= 1 -> break
    :: closed -> goto out
    od;
    was_closed = closed;
    g = generation;
    if
    :: g == 1 && line == 1 ->
#ifdef RELEASE_ANY_LIFE
        atomic { generation = generation + generation % 2; won++ }
#else
#ifdef RELEASE_WITHOUT_CAS
        generation = 2;
        won++
#else
#ifdef NOT_BUMPED
        won++
#else
        atomic {
            if
            :: generation == 1 -> generation = 2; won++
            :: else
            fi
        }
#endif
#endif
#endif
        assert(!was_closed);
        assert(generation != 1) /* void when it returns */
    :: else
    fi;
    assert(won <= 1);
out:
    over++
}

active proctype reader() {
    byte h, s, g;
    bool ok, was_closed;
    if
    :: handed != 0 -> h = handed
    :: handed != 0 -> h = 1
    :: closed -> goto out
    fi;
    was_closed = closed;
    read_child(h, ok, s, g);
    if
    :: ok ->
        assert(!was_closed);
        assert(h != 1 || s == 11 || s == 12);
        assert(h != 3 || s == 33)
    :: else
    fi;
out:
    over++
}

active proctype closer() {
    line = 2;
    closed = 1;
    over++
}

/* At the end life 3 stands, if it began. */
active proctype end_of_all() {
    (over == 5) -> assert(handed != 3 || generation == 3)
}
#endif

#ifdef LIST
#define NONE 9
#define LIVES 3
byte released = NONE; /* head */
byte link[2];
byte generation[2];
byte mine[2]; /* handle handed to releaser i: generation, 0 none */
byte slot_of[2];
byte ended; /* releases that won */
byte begun; /* lives */
byte over;  /* releasers that have done all */

active [2] proctype releaser() {
    byte i = _pid, h, s, first;
    do
    :: mine[i] != 0 ->
        h = mine[i];
        s = slot_of[i];
        mine[i] = 0;
        atomic { assert(generation[s] == h); generation[s] = h + 1; ended++ }
#ifdef PUSH_WITHOUT_CAS
        first = released;
        link[s] = first;
        released = s;
#else
        do
        :: first = released;
            link[s] = first;
            atomic {
                if
                :: released == first -> released = s; break /* H4 */
                :: else
                fi
            }
        od;
#endif
        h = 0; s = 0; first = 0
    :: begun == 2 * LIVES && mine[i] == 0 -> break
    od;
    over++
}

active proctype owner() {
    byte taken = NONE, s, fresh = 0, i;
    byte used[2];
    do
    :: begun == 2 * LIVES -> break
    :: else ->
        /* A free slot: one that was never used, or one that came back. */
        if
        :: fresh < 2 -> s = fresh; fresh++; generation[s] = 1
        :: fresh == 2 ->
#ifdef TAKE_WITHOUT_SWAP
            if
            :: taken == NONE -> (released != NONE); taken = released; released = NONE
            :: else
            fi;
#else
            if
            :: taken == NONE ->
                atomic { (released != NONE) -> taken = released; released = NONE } /* H4: all at once */
            :: else
            fi;
            s = taken;
            taken = link[s];
#endif
            assert(generation[s] % 2 == 0); /* free, and on one list once */
#ifdef BEGIN_WITHOUT_GENERATION
            generation[s] = generation[s] - 1
#else
            generation[s] = generation[s] + 1
#endif
        fi;
        used[s]++;
        assert(generation[s] == used[s] * 2 - 1); /* no generation is given twice */
        /* To whoever is free: both may hold both slots. */
        if
        :: mine[0] == 0 -> slot_of[0] = s; mine[0] = generation[s]
        :: mine[1] == 0 -> slot_of[1] = s; mine[1] = generation[s]
        fi;
        begun++;
        s = 0
    od;
    /* Every slot comes back: the end of the releasers, and what is on the lists. */
    (over == 2);
    i = 0;
    do
    :: taken != NONE -> i++; taken = link[taken]; assert(i <= 2)
    :: else -> break
    od;
    taken = released;
    do
    :: taken != NONE -> i++; taken = link[taken]; assert(i <= 2)
    :: else -> break
    od;
    assert(i == 2)
}
#endif
