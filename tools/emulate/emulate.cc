/* Runs instructions that this processor lacks: a library to preload, made by scripts/emulate from the sources of Bochs, the emulator of
 * whole PCs, of which only the processor is used. docs/emulation.md says what for.
 *
 * A program that meets such an instruction gets SIGILL. The handler gives its registers to the emulated processor and lets that run, on the
 * program's own memory, until control leaves the code where it began: the code that was compiled at run time (all anonymous executable
 * mappings together), or the file that holds the instruction. There the program goes on natively, with the registers as they are then.
 *
 *   native code --SIGILL--> emulated ... emulated --call or return to other code--> native ... --SIGILL--> emulated
 *
 * What the processor at hand has no room for (upper halves, registers from 16 on, masks) is lost at such a border, where the calling
 * convention lets it be lost; tiles, whose configuration outlives calls, are kept for each thread. One thread emulates at a time: code
 * that waits for another thread is other code and runs natively, without the lock. Calls of the system are never emulated. */
#include "bochs.h"
#include "cpu/cpu.h"
#include "cpu/cpuid.h"
#include "cpu/icache.h"
#include "cpu/avx/amx.h"
#include "gui/siminterface.h"
#include "memory/memory-bochs.h"
#include "param_names.h"
#include "pc_system.h"

#include <atomic>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

extern void bx_init_options();

namespace {

/* ---- what EMULATED_CPU may be: processors of Bochs without what others of their kind lack ---- */

const struct model {
    const char *name, *of_bochs, *without;
} models[] = {
    {"skylake", "corei7_skylake_x", ""},
    {"cascadelake", "sapphire_rapids", "avx512bf16,avx512fp16,amx,amx_int8,amx_bf16"},
    {"zen4", "sapphire_rapids", "avx512fp16,amx,amx_int8,amx_bf16"},
    {"sapphirerapids", "sapphire_rapids", ""},
};

[[noreturn]] void die(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fflush(stderr);
    abort();
}

const model &chosen_model() {
    const char *name = getenv("EMULATED_CPU");
    for (const model &m : models) {
        if (name && strcmp(m.name, name) == 0) {
            return m;
        }
    }
    die("emulate: EMULATED_CPU names no processor that is known\n");
}

/* ---- where code lies ---- */

struct mapping {
    Bit64u begin, end;
    bool anonymous;
};

mapping mappings[4096];
int n_mappings;
std::atomic<unsigned> changes{1}; /* how often memory has become executable: what was decoded is stale then */
unsigned seen_changes;

void read_mappings() {
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    n_mappings = 0;
    while (f && fgets(line, sizeof line, f) && n_mappings < 4096) {
        unsigned long long begin, end, inode;
        char may[8], path[256] = "";
        int n = sscanf(line, "%llx-%llx %7s %*x %*s %llu %255s", &begin, &end, may, &inode, path);
        if (n >= 4 && may[2] == 'x') {
            mappings[n_mappings++] = {begin, end, inode == 0 && !path[0]};
        }
    }
    if (f) {
        fclose(f);
    }
}

const mapping *mapping_of(Bit64u at) {
    for (int i = 0; i < n_mappings; i++) {
        if (at >= mappings[i].begin && at < mappings[i].end) {
            return &mappings[i];
        }
    }
    return nullptr;
}

/* ---- the processor ---- */

void set_flat(bx_segment_reg_t &s) {
    s.cache.u.segment.base = 0;
    s.cache.u.segment.limit_scaled = 0xffffffff;
    s.cache.dpl = s.selector.rpl = 3;
}

/* As after the start of a 64-bit system, in user mode; without paging, so that addresses are the host's. */
void start_processor() {
    const model &m = chosen_model();
    bx_pc_system.a20_mask = ~(bx_phy_address)0;
    bx_init_siminterface();
    bx_init_options();
    for (int level = 0; level < SIM->get_max_log_level(); level++) {
        int action = level >= LOGLEV_PANIC ? ACT_REPORT : ACT_IGNORE;
        SIM->set_default_log_action(level, action);
        for (int i = 0; i < SIM->get_n_log_modules(); i++) {
            SIM->set_log_action(i, level, action);
        }
    }
    SIM->get_param_enum(BXPN_CPU_MODEL)->set_by_name(m.of_bochs);
    SIM->get_param_string(BXPN_CPU_EXCLUDE_FEATURES)->set(m.without);
    bx_pc_system.initialize(100000000);
    BX_CPU_C *c = BX_CPU(0);
    c->initialize();
    c->reset(BX_RESET_HARDWARE);
    enum : Bit32u { PE = 1 << 0, MP = 1 << 1, ET = 1 << 4, NE = 1 << 5 };
    enum : Bit32u { OSFXSR = 1 << 9, OSXMMEXCPT = 1 << 10, OSXSAVE = 1 << 18, ALL_COMPONENTS = 0x600e7 };
    c->cr0.set32(PE | MP | ET | NE);
    c->cr4.set(OSFXSR | OSXMMEXCPT | OSXSAVE);
    c->xcr0.set32(ALL_COMPONENTS);
    c->efer.set_LMA(1);
    c->efer.set_LME(1);
    for (int s = 0; s < 6; s++) {
        set_flat(c->sregs[s]);
    }
    c->sregs[BX_SEG_REG_CS].cache.u.segment.l = 1;
    c->sregs[BX_SEG_REG_CS].cache.u.segment.d_b = 0;
    c->handleCpuModeChange();
    c->handleFpuMmxModeChange();
    c->handleSseModeChange();
    c->handleAvxModeChange();
    bx_pc_system.set_enable_a20(1);
}

/* ---- registers ---- */

const int registers[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                           REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
const Bit64u FLAGS = 0xcd5;                                /* of arithmetic, and the direction */
enum { XSTATE_BV = 512, YMM_HIGH = 576, SSE = 2, AVX = 4 }; /* of an XSAVE area in the standard format */

thread_local AMX *own_tiles;

Bit64u segment_base(int which) {
    unsigned long base = 0;
    syscall(SYS_arch_prctl, which, &base);
    return base;
}

void take_registers(const ucontext_t *u) {
    enum { GET_FS = 0x1003, GET_GS = 0x1004 };
    BX_CPU_C *c = BX_CPU(0);
    const char *area = (const char *)u->uc_mcontext.fpregs;
    Bit64u present;
    memcpy(&present, area + XSTATE_BV, sizeof present);
    for (int i = 0; i < 16; i++) {
        c->gen_reg[i].rrx = u->uc_mcontext.gregs[registers[i]];
    }
    c->gen_reg[BX_64BIT_REG_RIP].rrx = u->uc_mcontext.gregs[REG_RIP];
    c->setEFlags((u->uc_mcontext.gregs[REG_EFL] & FLAGS) | 2);
    c->mxcsr.mxcsr = u->uc_mcontext.fpregs->mxcsr;
    for (int i = 0; i < 32; i++) {
        c->vmm[i].clear();
    }
    for (int i = 0; i < 16; i++) {
        memcpy(&c->vmm[i], &u->uc_mcontext.fpregs->_xmm[i], 16);
        if (present & AVX) {
            memcpy((char *)&c->vmm[i] + 16, area + YMM_HIGH + 16 * i, 16);
        }
    }
    c->sregs[BX_SEG_REG_FS].cache.u.segment.base = segment_base(GET_FS);
    c->sregs[BX_SEG_REG_GS].cache.u.segment.base = segment_base(GET_GS);
    if (c->amx) {
        own_tiles = own_tiles ? own_tiles : new AMX();
        *c->amx = *own_tiles;
    }
}

void give_registers(ucontext_t *u) {
    BX_CPU_C *c = BX_CPU(0);
    char *area = (char *)u->uc_mcontext.fpregs;
    Bit64u present;
    memcpy(&present, area + XSTATE_BV, sizeof present);
    present |= SSE | AVX;
    memcpy(area + XSTATE_BV, &present, sizeof present);
    for (int i = 0; i < 16; i++) {
        u->uc_mcontext.gregs[registers[i]] = c->gen_reg[i].rrx;
    }
    u->uc_mcontext.gregs[REG_RIP] = c->gen_reg[BX_64BIT_REG_RIP].rrx;
    u->uc_mcontext.gregs[REG_EFL] = (u->uc_mcontext.gregs[REG_EFL] & ~FLAGS) | (c->read_eflags() & FLAGS);
    u->uc_mcontext.fpregs->mxcsr = c->mxcsr.mxcsr;
    for (int i = 0; i < 16; i++) {
        memcpy(&u->uc_mcontext.fpregs->_xmm[i], &c->vmm[i], 16);
        memcpy(area + YMM_HIGH + 16 * i, (char *)&c->vmm[i] + 16, 16);
    }
    if (c->amx) {
        *own_tiles = *c->amx;
    }
}

/* ---- one stay in the emulator ---- */

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
jmp_buf border;
const mapping *begun_in;
bool started;
Bit64u n_stays, n_instructions;

void note_new_code() {
    unsigned now = changes.load();
    if (now != seen_changes) {
        seen_changes = now;
        flushICaches();
        BX_CPU(0)->TLB_flush();
        read_mappings();
    }
}

void emulate(ucontext_t *u) {
    BX_CPU_C *c = BX_CPU(0);
    Bit64u at = u->uc_mcontext.gregs[REG_RIP];
    if (!mapping_of(at)) {
        read_mappings();
    }
    begun_in = mapping_of(at);
    if (!begun_in) {
        die("emulate: no code at %llx\n", (unsigned long long)at);
    }
    take_registers(u);
    c->async_event = 0;
    c->invalidate_prefetch_q();
    c->invalidate_stack_cache();
    Bit64u before = c->icount;
    if (setjmp(border) == 0) {
        c->cpu_loop();
        die("emulate: the processor stopped\n");
    }
    give_registers(u);
    n_stays++;
    n_instructions += c->icount - before;
}

/* What is emulated gives way to everything else on the machine; the program around it keeps its priority. */
void on_illegal_instruction(int, siginfo_t *, void *context) {
    int error = errno, priority = getpriority(PRIO_PROCESS, 0);
    setpriority(PRIO_PROCESS, 0, 19);
    pthread_mutex_lock(&lock);
    if (!started) {
        start_processor();
        started = true;
    }
    note_new_code();
    emulate((ucontext_t *)context);
    pthread_mutex_unlock(&lock);
    setpriority(PRIO_PROCESS, 0, priority);
    errno = error;
}

/* ---- threads: the handler must not run on the stack that the emulated code pushes to ---- */

void make_handler_stack() {
    stack_t s = {};
    s.ss_size = 1 << 20;
    s.ss_sp = mmap(nullptr, s.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&s, nullptr);
}

void drop_handler_stack() {
    stack_t off = {}, old;
    off.ss_flags = SS_DISABLE;
    sigaltstack(&off, &old);
    munmap(old.ss_sp, old.ss_size);
    delete own_tiles;
}

struct thread {
    void *(*fn)(void *);
    void *arg;
};

void *run_thread(void *p) {
    thread t = *(thread *)p;
    free(p);
    make_handler_stack();
    void *result = t.fn(t.arg);
    drop_handler_stack();
    return result;
}

template <class F> F next(const char *name) { return (F)dlsym(RTLD_NEXT, name); }

typedef int sigaction_fn(int, const struct sigaction *, struct sigaction *);
typedef int pthread_create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

} // namespace

/* ---- what the patched Bochs calls ---- */

/* Before code of another page runs. */
void emulated_prefetch(Bit64u at) {
    const mapping *m = mapping_of(at);
    if (!m || (begun_in->anonymous ? !m->anonymous : m != begun_in)) {
        longjmp(border, 1);
    }
}

/* Instead of an exception: an instruction that the model lacks too (6), an address that is not aligned as it must be (13). */
void emulated_exception(unsigned vector, Bit64u at) {
    fprintf(stderr, "emulate: exception %u at %llx:", vector, (unsigned long long)at);
    for (int i = 0; i < 15; i++) {
        fprintf(stderr, " %02x", ((const unsigned char *)at)[i]);
    }
    die("\n");
}

/* ---- what the program calls instead of the C library ---- */

#define INTERPOSED extern "C" __attribute__((visibility("default")))

INTERPOSED int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg) {
    thread *p = (thread *)malloc(sizeof *p);
    if (!p) {
        return EAGAIN;
    }
    *p = {fn, arg};
    return next<pthread_create_fn *>("pthread_create")(t, a, run_thread, p);
}

INTERPOSED int mprotect(void *at, size_t n, int may) __THROW {
    int r = (int)syscall(SYS_mprotect, at, n, may);
    changes += (may & PROT_EXEC) != 0;
    return r;
}

/* The permission to use tile registers, of which the system here need not know. */
INTERPOSED long syscall(long number, ...) __THROW {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    va_list list;
    va_start(list, number);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), result;
    register long d __asm__("r10") = va_arg(list, long);
    register long e __asm__("r8") = va_arg(list, long);
    register long f __asm__("r9") = va_arg(list, long);
    va_end(list);
    if (number == SYS_arch_prctl && a == REQUEST_PERMISSION && b == TILE_DATA) {
        return 0;
    }
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(d), "r"(e), "r"(f) : "rcx", "r11", "memory");
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* Test programs that watch for crashes leave this signal to us. */
INTERPOSED int sigaction(int n, const struct sigaction *s, struct sigaction *old) __THROW {
    if (n == SIGILL && s) {
        if (old) {
            memset(old, 0, sizeof *old);
        }
        return 0;
    }
    return next<sigaction_fn *>("sigaction")(n, s, old);
}

__attribute__((constructor)) static void begin() {
    struct sigaction s;
    memset(&s, 0, sizeof s);
    s.sa_sigaction = on_illegal_instruction;
    s.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    make_handler_stack();
    next<sigaction_fn *>("sigaction")(SIGILL, &s, nullptr);
}

__attribute__((destructor)) static void end() {
    if (getenv("EMULATED_COUNT")) {
        fprintf(stderr, "emulated: %llu stays, %llu instructions\n", (unsigned long long)n_stays, (unsigned long long)n_instructions);
    }
}
