/* PyTorch in a process of its own, driven over pipes: one line asks for a measurement, one line answers with the
 * seconds it took, so that its samples fall between ours. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/peers.h"

struct bench_torch {
    FILE *to, *from;
    pid_t pid;
    char version[64];
};

static bool read_line(bench_torch *t, char *line, int size) {
    if (!fgets(line, size, t->from)) {
        return false;
    }
    line[strcspn(line, "\n")] = 0;
    return true;
}

static void become_python(const char *python, const char *script, bool processor_time,
                          const int in[2], const int out[2]) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    close(in[1]);
    close(out[0]);
    execlp(python, python, script, processor_time ? "cpu" : "wall", (char *)NULL);
    _exit(127);
}

bench_torch *bench_torch_start(const char *python, const char *script, bool processor_time) {
    int in[2], out[2];
    bench_torch *t = calloc(1, sizeof *t);
    if (!t || pipe(in) || pipe(out)) {
        bench_fail("no pipe for PyTorch");
    }
    signal(SIGPIPE, SIG_IGN);
    t->pid = fork();
    if (t->pid == 0) {
        become_python(python, script, processor_time, in, out);
    }
    close(in[0]);
    close(out[1]);
    t->to = fdopen(in[1], "w");
    t->from = fdopen(out[0], "r");
    if (t->pid < 0 || !read_line(t, t->version, sizeof t->version) ||
        strncmp(t->version, "torch ", 6) != 0) {
        bench_torch_stop(t);
        return NULL;
    }
    return t;
}

void bench_torch_stop(bench_torch *t) {
    if (t) {
        fclose(t->to); /* end of input: the process leaves */
        fclose(t->from);
        if (t->pid > 0) {
            waitpid(t->pid, NULL, 0);
        }
        free(t);
    }
}

const char *bench_torch_version(const bench_torch *t) {
    return t->version;
}

typedef struct torch_case {
    bench_torch *torch;
    int threads;
    char what[96];
} torch_case;

static double run(void *user, int64_t calls) {
    const torch_case *c = user;
    char line[128];
    fprintf(c->torch->to, "%d %lld %s\n", c->threads, (long long)calls, c->what);
    fflush(c->torch->to);
    return read_line(c->torch, line, sizeof line) ? atof(line) : -1;
}

void bench_add_torch(bench_plan *p, const char *name, const char *format, ...) {
    if (p->b->torch) {
        torch_case c = {.torch = p->b->torch, .threads = p->b->threads};
        va_list list;
        va_start(list, format);
        vsnprintf(c.what, sizeof c.what, format, list);
        va_end(list);
        bench_plan_add(p, name, BENCH_PEER, run, &c, sizeof c);
    }
}
