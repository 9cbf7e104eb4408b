/* Differential testing of random programs: the interpreter against every pass and the x86 target.
 *
 *   diff --seeds A..B [--jobs N] [--what passes|x86|all]   run a range; prints what fails, exit status 1 if anything did
 *   diff --show SEED                      print the program; SEED with an `s` behind it: with its schedule
 *   diff --ir FILE                        run one program
 *   diff --reduce SEED | --reduce FILE    print a smaller program that fails in the same stage
 *
 * Behind `--arch NAME` (v2, avx2, …) they compile for that instruction set instead of this machine's.
 *
 * Each program runs in a child process: one that crashes or hangs is a finding like any other. */
#define _DEFAULT_SOURCE 1

#include "tests/diff/case.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 30 /* of the processor: the machine may have much else to do */ };

typedef struct shared {
    uint64_t seed; /* being run */
    bool busy;
    diff_outcome outcome;
    int64_t done, failed, unsupported, elements, unverifiable;
} shared;

static unsigned what = DIFF_ALL;

/* Ends the process with SIGPROF when it has computed that long; 0: no limit. */
static void limit(int seconds) {
    struct itimerval t = {.it_value = {.tv_sec = seconds}};
    setitimer(ITIMER_PROF, &t, NULL);
}

static shared *shared_memory(size_t n) {
    void *p = mmap(NULL, n * sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* ---- one program -------------------------------------------------------------------------------------- */

static void run_here(const char *text, diff_outcome *out) {
    limit(SECONDS);
    diff_case_run(text, what, out);
    limit(0);
}

/* In a child; the outcome of a crash is a failure too. */
static diff_outcome run_apart(const char *text) {
    static shared *s;
    s = s ? s : shared_memory(1);
    memset(s, 0, sizeof *s);
    pid_t child = fork();
    if (child == 0) {
        run_here(text, &s->outcome);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        s->outcome.failed = true;
        snprintf(s->outcome.stage, sizeof s->outcome.stage, "signal %d", WTERMSIG(status));
    }
    return s->outcome;
}

static void report(const char *who, const diff_outcome *o) {
    printf("%s: %s: %s\n", who, o->stage, o->text);
    fflush(stdout);
}

/* ---- ranges ----------------------------------------------------------------------------------------------- */

static void note(shared *s, uint64_t seed) {
    char who[32];
    s->done++;
    s->failed += s->outcome.failed;
    s->unsupported += s->outcome.unsupported;
    s->elements += s->outcome.elements;
    s->unverifiable += s->outcome.unverifiable;
    snprintf(who, sizeof who, "seed %llu", (unsigned long long)seed);
    if (s->outcome.failed || (s->outcome.unsupported && getenv("DIFF_REFUSED"))) {
        report(who, &s->outcome);
    }
}

/* A program, and the same with a schedule. */
static void run_seed(uint64_t seed, diff_outcome *out) {
    char *text = diff_generate(seed);
    run_here(text, out);
    if (!out->failed && !out->unsupported) {
        diff_outcome scheduled;
        limit(SECONDS);
        char *again = diff_schedule(text, seed);
        run_here(again, &scheduled);
        scheduled.elements += out->elements;
        scheduled.unverifiable += out->unverifiable;
        *out = scheduled;
        if (out->failed) {
            memmove(out->stage + 11, out->stage, sizeof out->stage - 12);
            memcpy(out->stage, "scheduled, ", 11);
        }
        free(again);
    }
    free(text);
}

static void work(shared *s, uint64_t from, uint64_t to, uint64_t step) {
    for (uint64_t seed = from; seed < to; seed += step) {
        s->seed = seed;
        s->busy = true;
        limit(SECONDS);
        run_seed(seed, &s->outcome);
        s->busy = false;
        note(s, seed);
    }
}

/* A worker that dies is replaced; the next one goes on behind the program that killed it. */
static void supervise(shared *s, uint64_t from, uint64_t to, uint64_t step) {
    while (from < to) {
        pid_t child = fork();
        if (child == 0) {
            work(s, from, to, step);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        if (!s->busy) {
            return;
        }
        memset(&s->outcome, 0, sizeof s->outcome);
        s->outcome.failed = true;
        snprintf(s->outcome.stage, sizeof s->outcome.stage, "signal %d",
                 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        s->busy = false;
        note(s, s->seed);
        from = s->seed + step;
    }
}

static int run_seeds(const char *range, uint64_t jobs) {
    char *end;
    uint64_t from = strtoull(range, &end, 10), to = strtoull(end + strspn(end, "."), NULL, 10);
    shared *s = shared_memory(jobs), total = {0};
    pid_t children[64];
    for (uint64_t j = 0; j < jobs; j++) {
        children[j] = fork();
        if (children[j] == 0) {
            supervise(&s[j], from + j, to, jobs);
            _exit(0);
        }
    }
    for (uint64_t j = 0; j < jobs; j++) {
        waitpid(children[j], NULL, 0);
        total.done += s[j].done;
        total.failed += s[j].failed;
        total.unsupported += s[j].unsupported;
        total.elements += s[j].elements;
        total.unverifiable += s[j].unverifiable;
    }
    printf("%lld programs, %lld failed, %lld refused by the target, %lld elements compared, "
           "%.1f %% not checkable\n",
           (long long)total.done, (long long)total.failed, (long long)total.unsupported,
           (long long)total.elements,
           total.elements ? 100.0 * (double)total.unverifiable / (double)total.elements : 0.0);
    return total.failed != 0 || total.done != (int64_t)(to - from);
}

/* ---- one program by name -------------------------------------------------------------------------------------- */

static char *text_of(const char *name) {
    const char *rest = name + strspn(name, "0123456789");
    bool scheduled = strcmp(rest, "s") == 0;
    if (*rest && !scheduled) {
        return x86_read_file(name);
    }
    uint64_t seed = strtoull(name, NULL, 10);
    char *text = diff_generate(seed);
    if (!scheduled) {
        return text;
    }
    char *out = diff_schedule(text, seed);
    free(text);
    return out;
}

static int run_one(const char *name) {
    char *text = text_of(name);
    if (!text) {
        return 2;
    }
    diff_outcome o = run_apart(text);
    report(name, &o);
    free(text);
    return o.failed;
}

static bool same_stage(const char *text, void *user) {
    diff_outcome o = run_apart(text);
    return o.failed && strcmp(o.stage, user) == 0;
}

static int reduce(const char *name) {
    char *text = text_of(name);
    if (!text) {
        return 2;
    }
    diff_outcome o = run_apart(text);
    if (!o.failed) {
        printf("does not fail\n");
        return 0;
    }
    if (strncmp(o.stage, "x86", 3) == 0) {
        what = DIFF_X86;
    } else if (strncmp(o.stage, "signal", 6)) {
        what = DIFF_PASSES;
    }
    char *small = diff_reduce(text, same_stage, o.stage);
    o = run_apart(small);
    printf("// %s: %s\n%s", o.stage, o.text, small);
    return 1;
}

static int fail_usage(void) {
    fputs("usage: diff [--seeds A..B] [--jobs N] [--what passes|x86|all] [--show SEED] [--ir FILE] [--reduce FILE] [--arch NAME]\n", stderr);
    return 2;
}

int main(int argc, char **argv) {
    const char *seeds = "0..1000";
    uint64_t jobs = 2;
    if (argc % 2 == 0) {
        return fail_usage();
    }
    for (int i = 1; i < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--what") == 0) {
            what = strcmp(value, "passes") == 0 ? DIFF_PASSES
                   : strcmp(value, "x86") == 0  ? DIFF_X86
                                                : DIFF_ALL;
        } else if (strcmp(argv[i], "--jobs") == 0) {
            jobs = strtoull(value, NULL, 10) % 64;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            seeds = value;
        } else if (strcmp(argv[i], "--arch") == 0) {
            tg_machine m;
            if (!tg_target_x86.machine(value, &m)) {
                return fail_usage();
            }
            if (!m.runs_here) {
                fprintf(stderr, "diff: skipped, this processor does not run %s\n", value);
                return 77;
            }
            diff_arch = value;
        } else if (strcmp(argv[i], "--show") == 0) {
            fputs(text_of(value), stdout);
            return 0;
        } else if (strcmp(argv[i], "--ir") == 0) {
            return run_one(value);
        } else if (strcmp(argv[i], "--reduce") == 0) {
            return reduce(value);
        } else {
            return fail_usage();
        }
    }
    return run_seeds(seeds, jobs ? jobs : 1);
}
