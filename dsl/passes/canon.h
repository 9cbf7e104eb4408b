/* Shared by canon.c (driver, structure) and canon_rules.c (identities on values). */
#ifndef TG_PASSES_CANON_H
#define TG_PASSES_CANON_H

#include "dsl/ir/ir.h"

/* One identity. Gives the value that replaces result 0 (of equal type), or null; may also
 * change the operation in place and set `changed`. Every rule lowers (operations, operands
 * in non-canonical place, axes of operands) in lexicographic order. */
typedef struct canon_context {
    tg_func *f;
    tg_builder b; /* in front of the operation */
    bool changed;
} canon_context;

typedef struct canon_rule {
    const char *name;
    tg_opcode opcode;
    tg_value *(*apply)(canon_context *c, tg_op *op);
} canon_rule;

extern const canon_rule canon_rules[];
extern const uint32_t canon_rule_count;

/* Folds an elementwise operation on constants; strips broadcasts whose axes another operand
 * has. Any opcode. */
tg_value *canon_fold(canon_context *c, tg_op *op);
void canon_strip_broadcasts(canon_context *c, tg_op *op);

#endif
