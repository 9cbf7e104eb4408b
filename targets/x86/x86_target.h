/* Between machine.c and target.c. */
#ifndef TG_TARGETS_X86_X86_TARGET_H
#define TG_TARGETS_X86_X86_TARGET_H

#include "dsl/ir/machine.h"

bool tg_x86_machine(const char *arch, tg_machine *out);
void tg_x86_typical(tg_machine *m);
/* What a core may hope to keep of the last cache, whose size is often reported for a whole socket. */
int64_t tg_x86_share_of_last(const tg_machine *m);

#endif
