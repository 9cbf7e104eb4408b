/* Containment of LLVM's fatal errors. report_fatal_error() calls one process-wide handler and aborts when it
 * returns; the handler here jumps back to the tg_llvm_guard of the compiling thread instead. Skipped destructors
 * leak (about 1 MB), which is accepted: such an error is a bug in what we emit. The handler and the thread's
 * jump target are the only global state of the library; LLVM offers no other way. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "targets/llvm/llvm.h"

#include <llvm-c/ErrorHandling.h>

#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>

typedef struct guard_frame {
    jmp_buf env;
    char *message;
    size_t size;
} guard_frame;

static _Thread_local guard_frame *current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_fatal(const char *reason) {
    guard_frame *g = current;
    if (!g) {
        return;
    }
    size_t n = strlen(reason);
    n = n < g->size ? n : g->size - 1;
    memcpy(g->message, reason, n);
    g->message[n] = 0;
    longjmp(g->env, 1);
}

static void install(void) {
    LLVMInstallFatalErrorHandler(on_fatal);
}

bool tg_llvm_has_room(size_t mib) {
    size_t size = mib << 20;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && munmap(p, size) == 0;
}

bool tg_llvm_guard(void (*fn)(void *user), void *user, char *message, size_t size) {
    pthread_once(&once, install);
    guard_frame *outer = current;
    guard_frame g;
    g.message = message;
    g.size = size;
    if (setjmp(g.env)) {
        current = outer;
        return false;
    }
    current = &g;
    fn(user);
    current = outer;
    return true;
}
