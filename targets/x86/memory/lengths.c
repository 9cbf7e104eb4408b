/* What the launch makes sure of about a tensor's lengths: the shapes of signatures are assumptions in front of the phases,
 *
 *   %n = dim %X {d=1};  %same = cmp %n, %N {pred=eq};  assume %same */
#include "targets/x86/memory/memory.h"

/* Of a value that is assumed to be equal to `length`. */
static bool fits_equal(const tg_value *length, tg_x86_length_test test, void *user) {
    for (const tg_use *u = length->uses; u; u = u->next) {
        tg_op *cmp = u->user;
        bool equals = cmp->opcode == TG_OP_CMP && tg_op_enum(cmp, TG_ATTR_PRED, TG_NE) == TG_EQ;
        const tg_use *said = equals ? tg_result(cmp, 0)->uses : NULL;
        bool assumed = said && said->user->opcode == TG_OP_ASSUME;
        if (assumed && test(tg_operand(cmp, tg_operand(cmp, 0) == length), user)) {
            return true;
        }
    }
    return false;
}

bool tg_x86_some_length(const tg_value *tensor, uint32_t d, tg_x86_length_test test, void *user) {
    for (const tg_use *u = tensor->uses; u; u = u->next) {
        bool dim = u->user->opcode == TG_OP_DIM && tg_op_int(u->user, TG_ATTR_D, -1) == (int64_t)d;
        const tg_value *length = dim ? tg_result(u->user, 0) : NULL;
        if (length && (test(length, user) || fits_equal(length, test, user))) {
            return true;
        }
    }
    return false;
}
