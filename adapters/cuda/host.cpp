// Runs the kernels on the processor: a fiber for each CUDA thread, one block after the other.
//
// `kernels.cu` is the text that NVRTC compiles, byte for byte. Between two barriers the fibers of
// a block run in an order drawn from a seed; a barrier at which they do not all arrive ends
// the launch with an error. Neither contraction of products and sums nor weak memory is modelled.

#undef _FORTIFY_SOURCE                    // on by default in many distributions; it ends a jump to another stack
#include <csetjmp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define __device__
#define __global__
#define __shared__ __thread
#define __launch_bounds__(threads, blocks)
#define __syncthreads() emulated::barrier(__LINE__)
#define __syncthreads_or(condition) emulated::barrier_or(__LINE__, condition)
#define __shfl_down_sync(mask, value, offset) emulated::shuffle_down(__LINE__, mask, value, offset)

namespace emulated {

enum State { READY, AT_BARRIER, AT_SHUFFLE, DONE };
const size_t STACK = 64 * 1024, POOL = 48 * 1024;
const int LINES = 4096, WARP = 32;

struct Index { unsigned x; };

struct Fiber {
    ucontext_t context;
    jmp_buf place;
    unsigned char* stack;
    void* fake_stack;
    State state;
    int line;
    bool started;
    unsigned priority;
    unsigned long long value[2];          // what the last two shuffles were given
    unsigned shuffles, votes;
};

struct Block {
    Fiber* fibers;
    unsigned threads, done;
    unsigned char votes[3];
    unsigned long long random;
    bool by_priority;                     // run the most urgent thread that is ready, not any of them
    void (*body)(void*);
    void* argument;
    ucontext_t home_context;
    jmp_buf home;
    const void* home_stack;
    size_t home_size;
};

static __thread Block* block;
static __thread Index thread_index, block_index, block_size, grid_size;
static unsigned char reached[LINES];

static Fiber& current() { return block->fibers[thread_index.x]; }

#ifdef __SANITIZE_ADDRESS__
static void enter(Fiber& fiber) {
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, fiber.stack, STACK);
    swapcontext(&block->home_context, &fiber.context);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
}

static void leave(Fiber& fiber) {
    void** const fake = fiber.state == DONE ? nullptr : &fiber.fake_stack;
    __sanitizer_start_switch_fiber(fake, block->home_stack, block->home_size);
    swapcontext(&fiber.context, &block->home_context);
    __sanitizer_finish_switch_fiber(fiber.fake_stack, &block->home_stack, &block->home_size);
}

static void begin() { __sanitizer_finish_switch_fiber(nullptr, &block->home_stack, &block->home_size); }
#else
// A jump costs no system call, as swapcontext does; only the first entry needs a context.
static void enter(Fiber& fiber) {
    if (_setjmp(block->home)) return;
    if (fiber.started) _longjmp(fiber.place, 1);
    fiber.started = true;
    setcontext(&fiber.context);
}

static void leave(Fiber& fiber) {
    if (_setjmp(fiber.place) == 0) _longjmp(block->home, 1);
}

static void begin() {}
#endif

static void pause(State state, int line) {
    Fiber& fiber = current();
    fiber.state = state;
    fiber.line = line;
    leave(fiber);
}

static void barrier(int line) { pause(AT_BARRIER, line); }

// Three votes in turn, so that one is cleared when nobody reads it any more and nobody writes it yet.
static bool barrier_or(int line, bool condition) {
    const unsigned turn = current().votes++ % 3;
    if (condition) block->votes[turn] = 1;
    barrier(line);
    block->votes[(turn + 2) % 3] = 0;
    return block->votes[turn];
}

template <class Value> static Value shuffle_down(int line, unsigned mask, Value value, unsigned offset) {
    static_cast<void>(mask);              // all lanes of a warp take part: release_warp sees to it
    const unsigned me = thread_index.x, partner = me + offset, turn = current().shuffles++ % 2;
    memcpy(&current().value[turn], &value, sizeof value);
    pause(AT_SHUFFLE, line);
    if (partner / WARP != me / WARP || partner >= block->threads) return value;
    memcpy(&value, &block->fibers[partner].value[turn], sizeof value);
    return value;
}

static void run_fiber() {
    begin();
    block->body(block->argument);
    ++block->done;
    pause(DONE, 0);
}

static unsigned draw(unsigned below) {
    block->random ^= block->random << 13;
    block->random ^= block->random >> 7;
    block->random ^= block->random << 17;
    return static_cast<unsigned>((block->random >> 11) % below);
}

// Lets a warp go on when all of its lanes have arrived at one shuffle.
static unsigned release_warp(unsigned thread, unsigned* ready) {
    const unsigned begin = thread / WARP * WARP, end = begin + WARP < block->threads ? begin + WARP : block->threads;
    for (unsigned lane = begin; lane < end; ++lane)
        if (block->fibers[lane].state != AT_SHUFFLE || block->fibers[lane].line != block->fibers[thread].line) return 0;
    for (unsigned lane = begin; lane < end; ++lane) {
        block->fibers[lane].state = READY;
        ready[lane - begin] = lane;
    }
    return end - begin;
}

// The place in the list of the thread to run next: any, or the most urgent one, so that a warp may
// run far ahead of the others.
static unsigned choose(const unsigned* ready, unsigned many) {
    if (!block->by_priority) return draw(many);
    unsigned best = 0;
    for (unsigned i = 1; i < many; ++i)
        if (block->fibers[ready[i]].priority > block->fibers[ready[best]].priority) best = i;
    return best;
}

// Runs the threads of one block to their end; the complaint is empty where all went well.
static bool run_block(char* complaint, size_t room) {
    unsigned ready[1024], many = block->threads;
    for (unsigned i = 0; i < many; ++i) ready[i] = i;
    while (many) {
        const unsigned place = choose(ready, many);
        thread_index.x = ready[place];
        ready[place] = ready[--many];
        Fiber& fiber = current();
        enter(fiber);
        if (fiber.state == AT_SHUFFLE) many += release_warp(thread_index.x, ready + many);
        if (many || block->done == block->threads) continue;
        const int line = block->fibers[0].line;
        for (unsigned i = 0; i < block->threads; ++i) {
            Fiber& other = block->fibers[i];
            if (other.state == AT_BARRIER && other.line == line) continue;
            snprintf(complaint, room, "divergent barrier: thread 0 waits at line %d, thread %u at line %d (0: its end)",
                     line, i, other.line);
            return false;
        }
        reached[line] = 1;
        for (; many < block->threads; ++many) {
            ready[many] = many;
            block->fibers[many].state = READY;
        }
    }
    return true;
}

}  // namespace emulated

#define threadIdx emulated::thread_index
#define blockIdx emulated::block_index
#define blockDim emulated::block_size
#define gridDim emulated::grid_size

template <class Number> static Number replaced(Number* place, Number value) {
    const Number old = *place;
    *place = value;
    return old;
}

template <class Number> static Number atomicAdd(Number* place, Number more) { return replaced(place, *place + more); }
template <class Number> static Number atomicOr(Number* place, Number bits) { return replaced(place, *place | bits); }
template <class Number> static Number atomicExch(Number* place, Number other) { return replaced(place, other); }
template <class Number> static Number atomicMin(Number* place, Number other) {
    return replaced(place, other < *place ? other : *place);
}
static inline void __threadfence() {}

#include "kernels.cu"

__thread double pool[emulated::POOL / sizeof(double)];

namespace emulated {

static void set_up(Fiber& fiber, const ucontext_t& fresh) {
    fiber.context = fresh;
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    fiber.state = READY;
    fiber.line = 0;
    fiber.started = false;
    fiber.shuffles = fiber.votes = 0;
    makecontext(&fiber.context, run_fiber, 0);
}

// Runs all blocks, in a random order. Shared memory holds rubbish before each, as it may on a GPU.
static bool run_blocks(unsigned grid, unsigned shared, char* complaint, size_t room) {
    unsigned* const order = static_cast<unsigned*>(malloc(grid * sizeof(unsigned)));
    for (unsigned i = 0; i < grid; ++i) {
        const unsigned place = draw(i + 1);
        order[i] = order[place];
        order[place] = i;
    }
    ucontext_t fresh;
    getcontext(&fresh);
    bool well = true;
    for (unsigned i = 0; i < grid && well; ++i) {
        block_index.x = order[i];
        block->done = 0;
        memset(block->votes, 0, sizeof block->votes);
        memset(pool, 0xa5, shared);
        block->by_priority = draw(2);
        for (unsigned thread = 0, warp = 0; thread < block->threads; ++thread) {
            if (thread % WARP == 0) warp = draw(1024);
            set_up(block->fibers[thread], fresh);
            block->fibers[thread].priority = warp * 1024 + draw(1024);
        }
        well = run_block(complaint, room);
    }
    free(order);
    return well;
}

}  // namespace emulated

static void call(void* launch) {
    void** const parts = static_cast<void**>(launch);
    reinterpret_cast<void (*)(Task)>(parts[0])(*static_cast<const Task*>(parts[1]));
}

extern "C" const unsigned char* reached_lines() { return emulated::reached; }

// 0, or 1 with a complaint. Scratch memory holds rubbish as well.
extern "C" int launch(void* kernel, const Task* task, unsigned grid, unsigned threads, unsigned shared,
                      unsigned long long seed, char* complaint, size_t room) {
    using namespace emulated;
    void* parts[2] = {kernel, const_cast<Task*>(task)};
    Block here = {};
    block = &here;
    here.threads = threads;
    here.body = call;
    here.argument = parts;
    here.fibers = static_cast<Fiber*>(calloc(threads, sizeof(Fiber)));
    unsigned char* const stacks = static_cast<unsigned char*>(malloc(threads * STACK));
    for (unsigned i = 0; i < threads; ++i) here.fibers[i].stack = stacks + i * STACK;
    block_size.x = threads;
    grid_size.x = grid;
    if (task->scratch) memset(task->scratch, 0xa5, grid * task->stretch);
    here.random = seed * 0x9e3779b97f4a7c15ull + 0x2545f4914f6cdd1dull;
#ifdef __SANITIZE_ADDRESS__
    __asan_poison_memory_region(reinterpret_cast<char*>(pool) + shared, POOL - shared);
#endif
    const bool well = run_blocks(grid, shared, complaint, room);
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(pool, POOL);
    __asan_unpoison_memory_region(stacks, threads * STACK);
#endif
    free(stacks);
    free(here.fibers);
    return well ? 0 : 1;
}
