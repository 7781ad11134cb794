// The watcher tells every way in which a file gets new content, once it is whole, and nothing else.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "../../src/watch/watcher.hpp"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using rebottle::watch::Options;
using rebottle::watch::Watcher;
using Paths = std::vector<std::string>;

constexpr auto soon = 20s;       // an upper bound: a change is told as soon as it happens
constexpr auto nothing = 100ms;  // long enough for several looks

void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

void replace(const fs::path& path, const std::string& text) {
    const fs::path aside = path.string() + ".tmp";
    write(aside, text);
    fs::rename(aside, path);
}

// The parameter: whether the kernel is asked, or only looks are taken.
class Watch : public ::testing::TestWithParam<bool> {
   protected:
    void SetUp() override {
        std::string form = (fs::temp_directory_path() / "rebottle-watch-XXXXXX").string();
        ASSERT_NE(::mkdtemp(form.data()), nullptr);
        root_ = form;
    }
    void TearDown() override { fs::remove_all(root_); }

    fs::path file(const std::string& name, const std::string& text = "1\n") {
        fs::path path = root_ / name;
        fs::create_directories(path.parent_path());
        write(path, text);
        return path;
    }

    fs::path root_;
    Watcher watcher_{Options{.quiet = 10ms, .longest = 200ms, .sweep = 20ms, .notified = GetParam()}};
};

TEST_P(Watch, TellsAFileWrittenInPlace) {
    const fs::path path = file("a.py");
    watcher_.add(path);
    write(path, "22\n");
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
    EXPECT_EQ(watcher_.wait(nothing), Paths{});
}

TEST_P(Watch, SurvivesReplacement) {
    const fs::path path = file("a.py");
    watcher_.add(path);
    for (const char* text : {"22\n", "333\n", "4444\n"}) {
        replace(path, text);
        EXPECT_EQ(watcher_.wait(soon), Paths{path});
    }
}

TEST_P(Watch, TellsABurstAtOnce) {
    const Paths paths{file("a.py"), file("b.py"), file("pkg/c.py")};
    for (const auto& path : paths) watcher_.add(path);
    for (const auto& path : paths) write(path, "22\n");
    EXPECT_EQ(watcher_.wait(soon), paths);
}

TEST_P(Watch, IgnoresOtherFilesAndRemoval) {
    const fs::path path = file("a.py");
    watcher_.add(path);
    file("b.py");
    fs::remove(path);
    EXPECT_EQ(watcher_.wait(nothing), Paths{});
    write(path, "22\n");
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
}

TEST_P(Watch, WaitsForAFileThatIsNotThereYet) {
    const fs::path path = root_ / "later" / "a.py";
    EXPECT_TRUE(watcher_.add(path));
    EXPECT_FALSE(watcher_.add(path));
    file("later/a.py");
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
}

TEST_P(Watch, FollowsADirectoryPutInAnothersPlace) {
    const fs::path path = file("pkg/a.py");
    watcher_.add(path);
    file("new/a.py", "22\n");
    fs::rename(root_ / "pkg", root_ / "old");
    fs::rename(root_ / "new", root_ / "pkg");
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
    write(path, "333\n");
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
    fs::remove_all(root_ / "pkg");
    file("pkg/a.py", "4444\n");
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
}

TEST_P(Watch, FollowsLinks) {
    const fs::path first = file("releases/1/a.py");
    const fs::path second = file("releases/2/a.py", "22\n");
    fs::create_directory_symlink("releases/1", root_ / "current");
    fs::create_symlink("current/a.py", root_ / "linked.py");
    const Paths both{root_ / "current" / "a.py", root_ / "linked.py"};
    for (const auto& path : both) watcher_.add(path);

    write(first, "333\n");
    Paths told = watcher_.wait(soon);
    while (told.size() < 2) {
        const Paths more = watcher_.wait(soon);
        ASSERT_FALSE(more.empty());
        told.insert(told.end(), more.begin(), more.end());
    }
    EXPECT_EQ(told, both);

    fs::create_directory_symlink("releases/2", root_ / "next");
    fs::rename(root_ / "next", root_ / "current");
    EXPECT_EQ(watcher_.wait(soon), both);
}

TEST_P(Watch, TellsTheMembersOfAnArchive) {
    const fs::path archive = file("lib.zip");
    const Paths members{archive / "a.py", archive / "pkg" / "b.py"};
    for (const auto& path : members) watcher_.add(path);
    replace(archive, "22\n");
    EXPECT_EQ(watcher_.wait(soon), members);
}

TEST_P(Watch, StopsFromAnotherThread) {
    std::thread stopper([this] { watcher_.stop(); });
    EXPECT_EQ(watcher_.wait(1h), Paths{});
    stopper.join();
    EXPECT_TRUE(watcher_.stopped());
    EXPECT_EQ(watcher_.wait(1h), Paths{});
}

TEST_P(Watch, AForkedChildCannotDisturbIt) {
    const fs::path path = file("a.py");
    watcher_.add(path);
    const pid_t child = ::fork();
    if (child == 0) {
        write(path, "22\n");
        watcher_.stop();
        ::_exit(watcher_.stopped() && watcher_.wait(1h).empty() && !watcher_.add("b.py") ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_FALSE(watcher_.stopped());
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
}

INSTANTIATE_TEST_SUITE_P(Told, Watch, ::testing::Values(true));
INSTANTIATE_TEST_SUITE_P(Looked, Watch, ::testing::Values(false));

using WatchTold = Watch;

TEST_P(WatchTold, WaitsUntilTheFileIsClosed) {
    const fs::path path = file("a.py");
    watcher_.add(path);
    std::ofstream half(path);
    half << "22" << std::flush;
    EXPECT_EQ(watcher_.wait(nothing), Paths{});
    half.close();
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
}

TEST_P(WatchTold, TellsAFileThatWasLinkedIntoPlace) {
    const fs::path path = file("a.py");
    watcher_.add(path);
    fs::remove(path);
    fs::create_hard_link(file("b.py", "22\n"), path);
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
}

TEST_P(WatchTold, LooksWhenTheKernelLosesEvents) {
    const fs::path path = file("a.py");
    const Paths noise{file("b.py"), file("c.py")};
    watcher_.add(path);
    for (int i = 0; i < 20'000; ++i) write(noise[static_cast<std::size_t>(i % 2)], "");  // the queue holds 16,384
    write(path, "22\n");
    EXPECT_EQ(watcher_.wait(soon), Paths{path});
}

INSTANTIATE_TEST_SUITE_P(Told, WatchTold, ::testing::Values(true));

}  // namespace
