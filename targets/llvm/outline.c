/* Code that is emitted where it stands but ends up in a function of its own.
 *
 * A large function costs more than its parts: the register allocator works on what lives through every block, and in the code of
 * a product nearly everything does. A region that is entered once, leaves at its end and gives its results to memory may stand
 * alone. It is emitted as usual, into blocks of a temporary function; when it is closed, the values of the outer function that
 * it reads are collected and become parameters. */
#include "targets/llvm/llvm.h"

enum { MAX_PARAMS = 96 };

typedef struct captures {
    LLVMValueRef list[MAX_PARAMS];
    unsigned uses[MAX_PARAMS], n;
    bool escapes; /* a branch to the outer function, or too many */
} captures;

static LLVMValueRef function_of(LLVMValueRef v) {
    if (LLVMIsAInstruction(v)) {
        return LLVMGetBasicBlockParent(LLVMGetInstructionParent(v));
    }
    return LLVMIsAArgument(v) ? LLVMGetParamParent(v) : NULL;
}

static unsigned position_of(captures *c, LLVMValueRef v) {
    unsigned i = 0;
    while (i < c->n && c->list[i] != v) {
        i++;
    }
    if (i == c->n && c->n < MAX_PARAMS) {
        c->list[c->n++] = v;
    }
    c->escapes |= i == MAX_PARAMS;
    return i;
}

static void collect(captures *c, LLVMValueRef fn) {
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            for (int k = 0; k < LLVMGetNumOperands(i); k++) {
                LLVMValueRef v = LLVMGetOperand(i, (unsigned)k), owner = function_of(v);
                c->escapes |= LLVMValueIsBasicBlock(v) && LLVMGetBasicBlockParent(LLVMValueAsBasicBlock(v)) != fn;
                if (owner && owner != fn) {
                    unsigned at = position_of(c, v);
                    if (at < MAX_PARAMS) {
                        c->uses[at]++;
                    }
                }
            }
        }
    }
}

/* The first parameters come in registers: those with the most uses, which are read in the innermost loops. Others lie on the stack already, so that
 * the allocator thinks little of reading them there again and again. */
static void most_used_first(captures *c) {
    for (unsigned i = 1; i < c->n; i++) {
        LLVMValueRef v = c->list[i];
        unsigned uses = c->uses[i], at = i;
        for (; at > 0 && c->uses[at - 1] < uses; at--) {
            c->list[at] = c->list[at - 1];
            c->uses[at] = c->uses[at - 1];
        }
        c->list[at] = v;
        c->uses[at] = uses;
    }
}

/* The captured values of the region, now that its blocks are those of `fn`. */
static void replace(captures *c, LLVMValueRef fn) {
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            for (int k = 0; k < LLVMGetNumOperands(i); k++) {
                LLVMValueRef v = LLVMGetOperand(i, (unsigned)k), owner = function_of(v);
                if (owner && owner != fn) {
                    LLVMSetOperand(i, (unsigned)k, LLVMGetParam(fn, position_of(c, v)));
                }
            }
        }
    }
}

static void move_blocks(LLVMValueRef from, LLVMBasicBlockRef after) {
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(from), next; b; b = next) {
        next = LLVMGetNextBasicBlock(b);
        LLVMMoveBasicBlockAfter(b, after);
        after = b;
    }
}

void tg_llvm_outline_open(tg_llvm *l, tg_llvm_outline *o) {
    o->before = LLVMGetInsertBlock(l->builder);
    o->region = LLVMAddFunction(l->module, "region", LLVMFunctionType(l->t_void, NULL, 0, 0));
    o->first = LLVMAppendBasicBlockInContext(l->context, o->region, "");
    LLVMPositionBuilderAtEnd(l->builder, o->first);
}

/* Back into the outer function, as if nothing had been tried. */
static void put_back(tg_llvm *l, tg_llvm_outline *o) {
    LLVMBasicBlockRef last = LLVMGetInsertBlock(l->builder);
    move_blocks(o->region, o->before);
    LLVMPositionBuilderAtEnd(l->builder, o->before);
    LLVMBuildBr(l->builder, o->first);
    LLVMPositionBuilderAtEnd(l->builder, last);
}

LLVMValueRef tg_llvm_outline_close(tg_llvm *l, tg_llvm_outline *o, const char *name, bool keep) {
    captures c = {0};
    collect(&c, o->region);
    LLVMValueRef fn = NULL;
    if (keep || c.escapes) {
        put_back(l, o);
    } else {
        LLVMTypeRef types[MAX_PARAMS];
        most_used_first(&c);
        for (unsigned i = 0; i < c.n; i++) {
            types[i] = LLVMTypeOf(c.list[i]);
        }
        LLVMTypeRef type = LLVMFunctionType(l->t_void, types, c.n, 0);
        fn = LLVMAddFunction(l->module, name, type);
        LLVMSetLinkage(fn, LLVMInternalLinkage);
        LLVMBuildRetVoid(l->builder);
        LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(l->context, fn, "");
        move_blocks(o->region, entry);
        LLVMPositionBuilderAtEnd(l->builder, entry);
        LLVMBuildBr(l->builder, o->first);
        replace(&c, fn);
        LLVMPositionBuilderAtEnd(l->builder, o->before);
        LLVMBuildCall2(l->builder, type, fn, c.list, c.n, "");
    }
    LLVMDeleteFunction(o->region);
    return fn;
}

static bool is_element(LLVMTypeRef t) {
    LLVMTypeKind kind = LLVMGetTypeKind(t);
    bool narrow = kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(t) > 1 && LLVMGetIntTypeWidth(t) < 64;
    return narrow || (kind != LLVMIntegerTypeKind && kind != LLVMPointerTypeKind);
}

static bool is_work(LLVMValueRef i) {
    bool work = LLVMIsAStoreInst(i) && is_element(LLVMTypeOf(LLVMGetOperand(i, 0)));
    for (int k = 0; k < LLVMGetNumOperands(i) && !work; k++) {
        work = tg_llvm_is_vector(LLVMGetOperand(i, (unsigned)k));
    }
    return work;
}

bool tg_llvm_only_steers(LLVMValueRef fn) {
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            if (is_work(i)) {
                return false;
            }
        }
    }
    return true;
}
