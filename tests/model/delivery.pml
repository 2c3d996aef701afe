/* The life of one delivery (crates/channels/src/machine), as a model that spin searches whole.
   Two steps or more, two workers that may be killed, leases that run out, answers that get lost, receipts that come early, late, twice or in
   another order, an acknowledgement, a cancellation, a deadline. What the database holds survives a kill; what a worker holds does not.
   Safety: the assertions. Liveness: `ends`, under weak fairness. tests/tests/e2e/delivery_model.rs says which rules hold, and what breaks without each. */
#ifndef IDEMP
#define IDEMP 0      /* 1: the provider recognises a repetition by our key */
#endif
#ifndef RESEND
#define RESEND 0     /* an unknown outcome: 0 the provider's key decides, 1 sent again blindly, 2 looked up first */
#endif
#ifndef NEWKEY
#define NEWKEY 0     /* 1: a refused repetition counts as a refusal, and the next try has a new key */
#endif
#ifndef ZOMBIE
#define ZOMBIE 0     /* 1: a lease may run out while its holder is in a call */
#endif
#ifndef REREAD
#define REREAD 1     /* 0: the intent is written without reading the end and the lease again */
#endif
#ifndef FENCE
#define FENCE 1      /* 0: an outcome is written without looking whose lease it is */
#endif
#ifndef RECEIPTS
#define RECEIPTS 1   /* 0: the provider never reports */
#endif
#ifndef LATTICE
#define LATTICE 1    /* 0: an older receipt overwrites a newer one */
#endif
#ifndef PARK
#define PARK 1       /* 0: a receipt that comes before the call's own answer is acted upon at once */
#endif
#ifndef GOESON
#define GOESON 1     /* 0: an unknown outcome waits for its receipt, however long */
#endif
#ifndef MUSTACK
#define MUSTACK 1    /* 0: delivered is enough */
#endif
#ifndef CALLOFF
#define CALLOFF 0    /* 1: the sender may cancel, and the deadline may pass */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef STEPS
#define STEPS 2
#endif
#define TRIES 2
#define KEY (step * TRIES + tries)

mtype = { NONE, INTENT, UNKNOWN, ACCEPTED, DELIVERED, FREE };         /* the live attempt; FREE: refused or undelivered */
mtype = { OPEN, ACKNOWLEDGED, WELL, SPENT, CANCELLED, EXPIRED };      /* the delivery */
mtype end = OPEN, attempt = NONE, parked = NONE;                      /* database */
byte step = 0, tries = 0, holder = 0; bool repeated = false; byte sends = 0;
bool took[STEPS * TRIES]; byte reached[STEPS]; bool gaveup = false, heard = false;   /* the provider, and what it still carries to people */
byte kills = 0, losses = 0, top = 0; bool calling[2], dead[2];        /* the world */

inline finish(how) { assert(end == OPEN); end = how }                                    /* I5: an end absorbs */
inline fresh() { attempt = NONE; parked = NONE; repeated = false; gaveup = false; sends = 0 }
inline escalate() {
  if :: step < STEPS - 1 -> step++; tries = 0; fresh(); assert(step == top + 1); top = step   /* I3: one by one, upwards */
     :: else -> assert(step == STEPS - 1); finish(SPENT) fi }                            /* I6 */
inline again() { if :: tries < TRIES - 1 -> tries++; fresh() :: else -> escalate() fi }
inline start(id) { assert(end == OPEN); sends++; attempt = INTENT; key = KEY; at = step; calling[id] = true }   /* I4 */
inline take(k, s) { if :: IDEMP && took[k] -> skip
                       :: else -> took[k] = true; heard = true; reached[s]++; assert(reached[s] <= 1) fi }           /* I2 */
inline report(stage) {                                                                   /* a receipt for the live attempt */
  if :: attempt == INTENT && PARK -> parked = stage
     :: attempt == INTENT && !PARK -> attempt = stage
     :: attempt == UNKNOWN || attempt == ACCEPTED -> if :: stage == FREE -> attempt = FREE :: else -> attempt = stage fi
     :: attempt == DELIVERED && LATTICE -> skip
     :: attempt == DELIVERED && !LATTICE -> assert(stage == DELIVERED); attempt = stage  /* I7 */
     :: else -> skip fi }
inline settle(now) { assert(attempt == INTENT); attempt = now;
  if :: parked != NONE && (attempt == UNKNOWN || attempt == ACCEPTED) -> attempt = parked; parked = NONE :: else -> skip fi;
  if :: attempt == DELIVERED && !MUSTACK && end == OPEN -> finish(WELL) :: else -> skip fi }
inline kill(id) { kills++; dead[id] = true; calling[id] = false }

proctype Worker(byte id) {
  byte key, at; bool ok;
  do
  :: end != OPEN -> break
  :: atomic { holder == 0 && end == OPEN -> holder = id + 1; dead[id] = false };
     if
     :: atomic { kills < KILLS -> kill(id) }
     :: atomic { attempt == NONE && (!REREAD || (holder == id + 1 && end == OPEN)) -> start(id) } goto call
     :: atomic { holder == id + 1 && end == OPEN && attempt == INTENT -> repeated = true; settle(UNKNOWN); holder = 0 }
     :: atomic { holder == id + 1 && end == OPEN && attempt == UNKNOWN && RESEND == 2 && took[KEY] -> attempt = ACCEPTED; holder = 0 }
     :: atomic { holder == id + 1 && end == OPEN && attempt == UNKNOWN && sends < 3 && (IDEMP || RESEND == 1 || (RESEND == 2 && !took[KEY])) -> repeated = true; start(id) } goto call
     :: atomic { holder == id + 1 && end == OPEN && (attempt == ACCEPTED || attempt == DELIVERED || (attempt == UNKNOWN && GOESON)) -> escalate(); holder = 0 }
     :: atomic { holder == id + 1 && end == OPEN && attempt == FREE -> again(); holder = 0 }
     :: holder != id + 1 || end != OPEN -> skip
     :: atomic { holder == id + 1 && attempt == UNKNOWN && !GOESON && !IDEMP && RESEND == 0 -> holder = 0 }
     fi;
     goto next;
call:
     if
     :: atomic { kills < KILLS -> kill(id) } goto next                       /* before the call */
     :: atomic { true -> take(key, at); ok = true }                          /* taken, and said so */
     :: atomic { true -> take(key, at); calling[id] = false } goto lost      /* taken, the answer lost */
     :: atomic { true -> ok = false }                                        /* refused */
     :: atomic { true -> calling[id] = false } goto lost                     /* never arrived */
     fi;
     if
     :: atomic { kills < KILLS -> kill(id) }                                 /* after the call */
     :: atomic { (holder == id + 1 || !FENCE) && end == OPEN ->
          if :: ok -> settle(ACCEPTED) :: !ok && repeated && !NEWKEY -> settle(UNKNOWN) :: else -> attempt = FREE fi;
          if :: holder == id + 1 -> holder = 0 :: else -> skip fi; calling[id] = false }
     :: atomic { (holder != id + 1 && FENCE) || end != OPEN -> calling[id] = false }
     fi;
     goto next;
lost:
     if
     :: atomic { (holder == id + 1 || !FENCE) && end == OPEN -> repeated = true; settle(UNKNOWN); if :: holder == id + 1 -> holder = 0 :: else -> skip fi }
     :: (holder != id + 1 && FENCE) || end != OPEN -> skip
     fi;
next:
     atomic { key = 0; at = 0; ok = false }
  od
}
active proctype Leases() { do
  :: end != OPEN -> break
  :: atomic { holder != 0 && dead[holder - 1] -> holder = 0 }
  :: atomic { holder != 0 && !dead[holder - 1] && losses < LOSSES && (ZOMBIE || !calling[holder - 1]) -> losses++; holder = 0 }
  od }
active proctype Provider() { do
  :: end != OPEN -> break
  :: atomic { RECEIPTS && end == OPEN && took[KEY] && attempt != NONE -> report(ACCEPTED) }
  :: atomic { RECEIPTS && end == OPEN && took[KEY] && attempt != NONE && !gaveup -> report(DELIVERED);
       if :: !MUSTACK && end == OPEN && attempt == DELIVERED -> finish(WELL) :: else -> skip fi }
  :: atomic { RECEIPTS && end == OPEN && took[KEY] && attempt != NONE && !gaveup -> gaveup = true; reached[step]--; report(FREE) }
  od }
active proctype Person() { if
  :: atomic { heard && end == OPEN -> finish(ACKNOWLEDGED) }
  :: end != OPEN fi }
active proctype Sender() { if
  :: atomic { CALLOFF && end == OPEN -> finish(CANCELLED) }
  :: atomic { CALLOFF && end == OPEN -> finish(EXPIRED) }
  :: end != OPEN fi }
init { atomic { run Worker(0); run Worker(1) } }
ltl ends { <> (end != OPEN) }
