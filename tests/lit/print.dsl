// `print`: a line per instance; tiles as index and value of their points, at most 64; scalars, complex numbers, bools.
// RUN: %tegula run %s --kernel tiles --set M=5 N=3 --repeat 1 | FileCheck %s --check-prefix=TILES
// RUN: %tegula run %s --kernel tiles --set M=5 N=3 --repeat 1 --baseline | FileCheck %s --check-prefix=TILES
// RUN: %tegula run %s --kernel many --set N=100 --repeat 1 | FileCheck %s --check-prefix=MANY
// RUN: %tegula run %s --kernel none --set N=0 --repeat 1 | FileCheck %s --check-prefix=NONE
// RUN: %tegula run %s --kernel parts --repeat 1 | FileCheck %s --check-prefix=PARTS
// RUN: %tegula run %s --kernel order --set N=4 --repeat 1 | FileCheck %s --check-prefix=ORDER

// Blocks of two rows; the last has one. What the tile holds is not what is stored later.
// TILES:      0: 2 {[0, 0]: 0.00, [0, 1]: 1.00, [0, 2]: 2.00, [1, 0]: 10.00, [1, 1]: 11.00, [1, 2]: 12.00} {[0]: 1, [1]: 4}
// TILES-NEXT: 1: 2 {[2, 0]: 20.00, [2, 1]: 21.00, [2, 2]: 22.00, [3, 0]: 30.00, [3, 1]: 31.00, [3, 2]: 32.00} {[2]: 7, [3]: 10}
// TILES-NEXT: 2: 1 {[4, 0]: 40.00, [4, 1]: 41.00, [4, 2]: 42.00} {[4]: 13}
kernel tiles(out f32 Y[M, N])
{
    grid (m in M) {
        axis n in N;
        f32 y[m, n] = f32(10 * m + n);
        i64 s[m] = 3 * m + 1;
        Y[m, n] = y + 1.0;
        print("{}: {} {:.2f} {}", m.block, m.size, y, s);
    }
}

schedule tiles { m = 2; }

// MANY: even {[0]: true, [1]: false, {{.*}}, [62]: true, [63]: false, ...}
kernel many(out i32 Y[N])
{
    grid (i in N) {
        Y[i] = i32(i);
        print("even {}", i % 2 == 0);
    }
}

schedule many { i = 128; }

// NONE: {} 0
kernel none(in f32 X[N], out f32 Y[1])
{
    grid {
        axis i in N;
        print("{} {}", X[i], sum(X[i], i));
        Y[0] = 0;
    }
}

// PARTS: 1.5-2i {[0]: 0+1i, [1]: 1+1i}
kernel parts(out c64 Y[2])
{
    grid {
        axis i in 2;
        c64 one = complex(1.5, -2.0);
        c64 z[i] = complex(f64(i), 1.0);
        print("{} {}", one, z);
        Y[i] = z;
    }
}

// ORDER:      a 0 x=000
// ORDER-NEXT: a 1 x=001
// ORDER-NEXT: a 2 x=002
// ORDER-NEXT: a 3 x=003
kernel order(out i32 Y[N])
{
    grid (each i in N) {
        print("a {} x={:03d}", i, i);
        Y[i] = i32(i);
    }
}
