/* Constants of long chains, read where they are used.
 *
 * With sixteen registers the constants of a polynomial leave no room for several chains side by side, and nobody can see that they
 * would better be in memory: LLVM moves their loads out of the loop, then spills accumulators. So they are loaded where an
 * instruction wants them, once for all registers of a wide value:
 *
 *     c = [0x1.62e43p-1 …]        volatile: neither moved out of the loop nor kept for a later use
 *     p0 = p0 · a0 + c            the chains' instructions alternate
 *     p1 = p1 · a1 + c  …
 *
 * Not for constants that are part of an instruction (counts of shifts) or cost none (zero), nor where an instruction can
 * broadcast its operand from memory (AVX-512). */
#include "targets/x86/ops/elementwise.h"
#include "targets/x86/ops/ops.h"

static bool takes_from_memory(tg_opcode op) {
    switch ((int)op) {
    case TG_OP_ADD:
    case TG_OP_SUB:
    case TG_OP_MUL:
    case TG_OP_DIV:
    case TG_OP_FMA:
    case TG_OP_MIN:
    case TG_OP_MAX:
    case TG_OP_CMP:
    case TG_OP_SELECT:
    case TG_OP_AND:
    case TG_OP_OR:
    case TG_OP_XOR:
        return true;
    default:
        return false;
    }
}

static bool is_worth_it(tg_x86 *x, LLVMValueRef c) {
    LLVMTypeRef t = LLVMTypeOf(c);
    return LLVMIsConstant(c) && !LLVMIsNull(c) && (t == x->l->f32 || t == x->l->i32);
}

static LLVMValueRef in_memory(tg_x86 *x, LLVMValueRef c, unsigned lanes) {
    for (uint32_t i = 0; i < x->constants.len; i++) {
        if (x->constants.data[i].value == c) { /* constants are unique */
            return x->constants.data[i].memory;
        }
    }
    LLVMValueRef line = tg_llvm_splat(x->l, c, lanes);
    LLVMValueRef memory = LLVMAddGlobal(x->l->module, LLVMTypeOf(line), "constant");
    LLVMSetInitializer(memory, line);
    LLVMSetGlobalConstant(memory, 1);
    LLVMSetLinkage(memory, LLVMPrivateLinkage);
    LLVMSetAlignment(memory, lanes * 4);
    tg_x86_constant entry = {c, memory};
    tg_vec_push(x->arena, &x->constants, entry);
    return memory;
}

static LLVMValueRef read_wide(tg_x86 *x, LLVMValueRef c, unsigned lanes) {
    unsigned in_register = (unsigned)x->machine->vector_bits / 32;
    LLVMValueRef memory = in_memory(x, c, in_register), ids[64];
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(c), in_register);
    LLVMValueRef one = tg_llvm_load(x->l, type, memory, in_register * 4);
    LLVMSetVolatile(one, 1);
    for (unsigned i = 0; i < lanes; i++) {
        ids[i] = tg_llvm_i32(x->l, i % in_register);
    }
    return LLVMBuildShuffleVector(x->builder, one, LLVMGetPoison(type), LLVMConstVector(ids, lanes), "");
}

/* Two uses in a row are one (a bound that is compared with and chosen). */
static LLVMValueRef recent(tg_x86 *x, LLVMValueRef c, unsigned lanes) {
    tg_x86_recent *r = &x->recent;
    if (r->value != c || r->lanes != lanes || r->block != LLVMGetInsertBlock(x->builder)) {
        *r = (tg_x86_recent){c, read_wide(x, c, lanes), LLVMGetInsertBlock(x->builder), lanes};
    }
    return r->read;
}

LLVMValueRef tg_x86_spread(tg_x86 *x, tg_opcode op, LLVMValueRef v, unsigned lanes) {
    bool read = x->reads_constants && lanes > 1 && !tg_llvm_is_vector(v) && takes_from_memory(op) && is_worth_it(x, v);
    return read ? recent(x, v, lanes) : tg_llvm_splat(x->l, v, lanes);
}
