#include "pool.h"

#include <algorithm>
#include <exception>
#include <thread>

#include "system.h"

namespace backtalk {

namespace {

// A few ten microseconds: longer than most waits, shorter than a time slice
int spins_for(int threads) { return threads <= processors() ? 2000 : 0; }

class Pool {
public:
    int ready(int wanted) {
        std::lock_guard<std::mutex> guard(mutex_);
        while (workers_ < wanted - 1 && !refused_) start();
        return std::min(wanted, workers_ + 1);
    }

    void run(int threads, const std::function<void(int, int)> &work) {
        {
            std::lock_guard<std::mutex> guard(mutex_);
            work_ = &work;
            wanted_ = threads;
            caller_ = processor_here();
            left_.store(threads - 1, std::memory_order_relaxed);
            job_.fetch_add(1, std::memory_order_release);
        }
        called_.notify_all();
        work(0, threads);
        for (int spin = 0; spin < 2000 && left_.load(std::memory_order_acquire); ++spin) pause_briefly();
        std::unique_lock<std::mutex> lock(mutex_);
        done_.wait(lock, [&] { return left_.load(std::memory_order_acquire) == 0; });
    }

    std::mutex busy;  // held by whoever uses the pool

private:
    void start() {
        const int index = workers_ + 1;
        const unsigned seen = job_.load(std::memory_order_relaxed);
        try {
            std::thread([this, index, seen] { serve(index, seen); }).detach();
        } catch (const std::exception &) {  // a limit on processes, or no memory for its stack
            refused_ = true;
            return;
        }
        workers_ = index;  // now that it runs: a job would wait for good for one that does not
    }

    void serve(int index, unsigned seen) {
        for (;;) {
            for (int spin = 0; spin < 2000 && job_.load(std::memory_order_acquire) == seen; ++spin) pause_briefly();
            const std::function<void(int, int)> *work;
            int threads, caller;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                called_.wait(lock, [&] { return job_.load(std::memory_order_acquire) != seen; });
                seen = job_.load(std::memory_order_relaxed);
                work = work_;
                threads = wanted_;
                caller = caller_;
            }
            if (index >= threads) continue;
            leave_processor(caller);
            (*work)(index, threads);
            if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                std::lock_guard<std::mutex> guard(mutex_);
                done_.notify_one();
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable called_, done_;
    const std::function<void(int, int)> *work_ = nullptr;
    int wanted_ = 0, caller_ = -1, workers_ = 0;
    bool refused_ = false;
    std::atomic<int> left_{0};
    std::atomic<unsigned> job_{0};
};

std::atomic<Pool *> pool{nullptr};  // never destroyed: its threads may outlive every destructor

std::atomic<unsigned> forks_so_far{0};

Pool &the_pool() {  // without a lock, which a fork might leave locked
    Pool *found = pool.load(std::memory_order_acquire);
    if (!found) {
        Pool *made = new Pool;
        if (pool.compare_exchange_strong(found, made)) return *made;
        delete made;
    }
    return *found;
}

}  // namespace

Barrier::Barrier(int threads) : threads_(threads), spins_(spins_for(threads)) {}

void Barrier::release() {
    {
        std::lock_guard<std::mutex> guard(mutex_);
        round_.fetch_add(1, std::memory_order_release);
    }
    changed_.notify_all();
}

void Barrier::wait(unsigned round) {
    for (int spin = 0; spin < spins_; ++spin) {
        if (round_.load(std::memory_order_acquire) != round) return;
        pause_briefly();
    }
    // Two threads that sleep in turns may share one processor for good: never do both want to run, so the system sees
    // no reason to move one to the other. A thread that yields still wants to run.
    for (int turn = 0; turn < spins_ / 2; ++turn) {
        if (round_.load(std::memory_order_acquire) != round) return;
        std::this_thread::yield();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return round_.load(std::memory_order_acquire) != round; });
}

int ready_threads(int wanted) { return wanted > 1 ? the_pool().ready(wanted) : 1; }

void run_on_threads(int threads, const std::function<void(int, int)> &work) {
    if (threads > 1) {
        Pool &shared = the_pool();
        std::unique_lock<std::mutex> mine(shared.busy, std::try_to_lock);
        if (mine.owns_lock()) return shared.run(threads, work);
    }
    work(0, 1);
}

void watch_forks() {
    // The child of a fork has none of the threads: it begins anew, and leaves the old pool alone
    in_child_of_fork([] {
        pool.store(nullptr);
        ++forks_so_far;
    });
}

unsigned forks() { return forks_so_far.load(std::memory_order_relaxed); }

int processors() { return allowed_processors(); }

}  // namespace backtalk
