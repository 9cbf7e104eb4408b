/* Between machine.c and target.c. */
#ifndef TG_TARGETS_X86_X86_TARGET_H
#define TG_TARGETS_X86_X86_TARGET_H

#include "dsl/ir/machine.h"

bool tg_x86_machine(const char *arch, tg_machine *out);
void tg_x86_typical(tg_machine *m);

#endif
