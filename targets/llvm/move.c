/* Functions that go to another module of the same context: their blocks move, what they refer to is declared there.
 *
 * Cheaper than a clone of the module of which each copy then loses a half: that was a fortieth of the compilation of attention. */
#include "targets/llvm/llvm.h"

enum { MOST_ATTRIBUTES = 32 };

static bool is_plain(LLVMValueRef constant) {
    return LLVMIsAConstantInt(constant) || LLVMIsAConstantFP(constant) || LLVMIsAConstantDataSequential(constant) ||
           LLVMIsAConstantAggregateZero(constant) || LLVMIsAUndefValue(constant) || LLVMIsAConstantPointerNull(constant);
}

/* Both modules may have one with these contents. */
static bool is_copied(LLVMValueRef global) {
    LLVMLinkage linkage = LLVMGetLinkage(global);
    LLVMValueRef contents = LLVMGetInitializer(global);
    return (linkage == LLVMInternalLinkage || linkage == LLVMPrivateLinkage) && LLVMIsGlobalConstant(global) && contents && is_plain(contents);
}

static bool may_move_with(LLVMValueRef operand) {
    if (LLVMIsAGlobalVariable(operand)) {
        return is_copied(operand);
    }
    return !LLVMIsAConstant(operand) || LLVMIsAFunction(operand) || is_plain(operand);
}

bool tg_llvm_may_move(LLVMValueRef fn) {
    if (LLVMGetAttributeCountAtIndex(fn, (LLVMAttributeIndex)LLVMAttributeFunctionIndex) > MOST_ATTRIBUTES) {
        return false;
    }
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            for (int k = 0; k < LLVMGetNumOperands(i); k++) {
                if (!may_move_with(LLVMGetOperand(i, (unsigned)k))) {
                    return false;
                }
            }
        }
    }
    return true;
}

static void copy_attributes(LLVMValueRef from, LLVMValueRef to) {
    LLVMAttributeRef list[MOST_ATTRIBUTES];
    LLVMAttributeIndex at = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    unsigned n = LLVMGetAttributeCountAtIndex(from, at);
    if (n <= MOST_ATTRIBUTES) {
        LLVMGetAttributesAtIndex(from, at, list);
        for (unsigned i = 0; i < n; i++) {
            LLVMAddAttributeAtIndex(to, at, list[i]);
        }
    }
}

static LLVMValueRef function_in(LLVMModuleRef module, LLVMValueRef fn) {
    size_t length;
    const char *name = LLVMGetValueName2(fn, &length);
    LLVMValueRef there = LLVMGetNamedFunctionWithLength(module, name, length);
    if (!there) {
        there = LLVMAddFunction(module, name, LLVMGlobalGetValueType(fn));
        copy_attributes(fn, there);
    }
    return there;
}

static LLVMValueRef variable_in(LLVMModuleRef module, LLVMValueRef v) {
    size_t length;
    const char *name = LLVMGetValueName2(v, &length);
    LLVMValueRef there = LLVMGetNamedGlobalWithLength(module, name, length);
    if (!there) {
        there = LLVMAddGlobal(module, LLVMGlobalGetValueType(v), name);
        LLVMSetInitializer(there, LLVMGetInitializer(v));
        LLVMSetGlobalConstant(there, 1);
        LLVMSetLinkage(there, LLVMGetLinkage(v));
        LLVMSetAlignment(there, LLVMGetAlignment(v));
    }
    return there;
}

/* Operands of the other module. */
static void refer_to(LLVMModuleRef module, LLVMValueRef instruction) {
    for (int k = 0; k < LLVMGetNumOperands(instruction); k++) {
        LLVMValueRef v = LLVMGetOperand(instruction, (unsigned)k);
        if (LLVMIsAFunction(v)) {
            LLVMSetOperand(instruction, (unsigned)k, function_in(module, v));
        } else if (LLVMIsAGlobalVariable(v)) {
            LLVMSetOperand(instruction, (unsigned)k, variable_in(module, v));
        }
    }
}

void tg_llvm_move(LLVMValueRef fn, LLVMModuleRef module) {
    LLVMValueRef moved = function_in(module, fn);
    for (unsigned i = 0; i < LLVMCountParams(fn); i++) {
        LLVMReplaceAllUsesWith(LLVMGetParam(fn, i), LLVMGetParam(moved, i));
    }
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(fn); b; b = LLVMGetFirstBasicBlock(fn)) {
        LLVMRemoveBasicBlockFromParent(b);
        LLVMAppendExistingBasicBlock(moved, b);
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i)) {
            refer_to(module, i);
        }
    }
}
