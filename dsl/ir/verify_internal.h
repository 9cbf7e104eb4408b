/* Shared by verify.c (structure and the signatures of ops.def) and verify_rules.c (what
 * signatures cannot say). */
#ifndef TG_IR_VERIFY_INTERNAL_H
#define TG_IR_VERIFY_INTERNAL_H

#include "dsl/ir/ir.h"

typedef enum verify_level {
    LEVEL_LAUNCH, /* function body, and if, for, while there */
    LEVEL_NEST,   /* between phase or par and the next par */
    LEVEL_TILE,   /* one instance of a phase */
    LEVEL_POINT   /* regions of map, asm, reduce_fn, scan_fn: scalars only */
} verify_level;

typedef struct verifier {
    const tg_func *f;
    tg_arena *arena;
    const char *error; /* first broken rule, or null */
    uint8_t *defined;  /* per value id: visible here */
    uint8_t *in_scope; /* per axis rank */
    verify_level level;
    uint32_t depth;
} verifier;

/* Records a broken rule (the first one stays) and returns false. */
bool verify_fail(verifier *v, const tg_op *op, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The rule of one operation; true if it holds. Operand count, kinds and attributes have been
 * checked. */
bool verify_op_rule(verifier *v, const tg_op *op);

#endif
