/* Facts about operations, attribute keys and enumerators: rows made from ops.def and
 * attrs.def, nothing written twice. */
#include "dsl/ir/ir.h"

#include <string.h>

/* The effect column is a bare token, `-` among them. Each letter is a macro `effect +`, so that
 * `(R 0)` is the effect of reading and `(- 0)` is 0, none. */
#define R  TG_EFF_READ +
#define W  TG_EFF_WRITE +
#define A  TG_EFF_ATOMIC +
#define X  TG_EFF_CONTROL +
#define IO TG_EFF_IO +
static const tg_op_info op_infos[] = {
#define OP(e, mnemonic, operands, results, attrs, effect, regions, diff, doc)                  \
    {mnemonic, operands, results, attrs, doc, (tg_effect)(effect 0), regions},
#include "dsl/ir/ops.def"
#undef OP
};
#undef R
#undef W
#undef A
#undef X
#undef IO

static const char *const attr_names[] = {
#define ATTR(e, key, kind) key,
#include "dsl/ir/attrs.def"
#undef ATTR
};

static const char *const enum_names[TG_ENUM_COUNT] = {
    [TG_ENUM_NONE] = "none",
    [TG_EQ] = "eq",
    [TG_NE] = "ne",
    [TG_LT] = "lt",
    [TG_LE] = "le",
    [TG_GT] = "gt",
    [TG_GE] = "ge",
    [TG_FN_ADD] = "add",
    [TG_FN_MUL] = "mul",
    [TG_FN_MIN] = "min",
    [TG_FN_MAX] = "max",
    [TG_FN_AND] = "and",
    [TG_FN_OR] = "or",
    [TG_FN_XOR] = "xor",
    [TG_FN_ARGMIN] = "argmin",
    [TG_FN_ARGMAX] = "argmax",
    [TG_FN_XCHG] = "xchg",
    [TG_IEEE] = "ieee",
    [TG_TF32] = "tf32",
    [TG_BF16X3] = "bf16x3",
    [TG_TF32X3] = "tf32x3",
    [TG_RELAXED] = "relaxed",
    [TG_ACQUIRE] = "acquire",
    [TG_RELEASE] = "release",
    [TG_ACQ_REL] = "acq_rel",
    [TG_DEVICE] = "device",
    [TG_SYSTEM] = "system",
    [TG_PART_RE] = "re",
    [TG_PART_IM] = "im",
};

const tg_op_info *tg_op_info_of(tg_opcode op) {
    return &op_infos[op];
}

static bool text_is(const char *name, const char *text, size_t n) {
    return strncmp(name, text, n) == 0 && name[n] == '\0';
}

tg_opcode tg_opcode_from_mnemonic(const char *text, size_t n) {
    for (uint32_t i = 0; i < TG_OP_COUNT; i++) {
        if (text_is(op_infos[i].mnemonic, text, n)) {
            return (tg_opcode)i;
        }
    }
    return TG_OP_COUNT;
}

bool tg_op_is_elementwise(tg_opcode op) {
    return op <= TG_OP_LDEXP; /* ops.def keeps these rows first, in this order */
}

bool tg_op_is_math(tg_opcode op) {
    return op >= TG_OP_RSQRT && op <= TG_OP_LOGADDEXP;
}

bool tg_atomic_fits(tg_enum fn, tg_dtype t) {
    if (tg_dtype_is_storage(t) || tg_dtype_kind_of(t) == TG_KIND_COMPLEX) {
        return false;
    }
    bool bits = fn == TG_FN_AND || fn == TG_FN_OR || fn == TG_FN_XOR;
    bool numbers = fn == TG_FN_ADD || fn == TG_FN_MIN || fn == TG_FN_MAX;
    return (bits && !tg_dtype_is_float(t)) || (numbers && t != TG_BOOL) || fn == TG_FN_XCHG;
}

const char *tg_enum_name(tg_enum e) {
    return (uint32_t)e < TG_ENUM_COUNT ? enum_names[e] : "none";
}

tg_enum tg_enum_from_name(const char *text, size_t n) {
    for (uint32_t i = 1; i < TG_ENUM_COUNT; i++) {
        if (text_is(enum_names[i], text, n)) {
            return (tg_enum)i;
        }
    }
    return TG_ENUM_NONE;
}

const char *tg_attr_key_name(tg_attr_key k) {
    return attr_names[k];
}

/* ---- schedules ---------------------------------------------------------------------------- */

const tg_sched_item *tg_func_scheduled(const tg_func *f, const char *key, const tg_axis *axis,
                                       const char *arg) {
    for (uint32_t i = f->schedule.len; i-- > 0;) {
        const tg_sched_item *item = &f->schedule.data[i];
        bool mine = axis  ? item->n_axes == 1 && item->axes[0] == axis
                    : arg ? item->arg && strcmp(item->arg, arg) == 0
                          : !item->arg && !item->n_axes;
        if (mine && strcmp(item->key, key) == 0) {
            return item;
        }
    }
    return NULL;
}
