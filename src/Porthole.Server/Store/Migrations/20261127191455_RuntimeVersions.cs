using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Porthole.Server.Store.Migrations
{
    /// <inheritdoc />
    public partial class RuntimeVersions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.RenameColumn(
                name: "AccessKeyId",
                table: "ShellConnections",
                newName: "Principal");

            migrationBuilder.RenameColumn(
                name: "AccessKeyId",
                table: "Sessions",
                newName: "Principal");

            migrationBuilder.DropColumn(name: "MaxLifetimeSeconds", table: "Runtimes");

            migrationBuilder.DropColumn(name: "IdleTimeoutSeconds", table: "Runtimes");

            migrationBuilder.AddColumn<int>(
                name: "LatestVersion",
                table: "Runtimes",
                type: "INTEGER",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<long>(
                name: "LastUpdatedAt",
                table: "Runtimes",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.Sql("UPDATE Runtimes SET LastUpdatedAt = CreatedAt");

            migrationBuilder.AddColumn<int>(
                name: "Version",
                table: "Sessions",
                type: "INTEGER",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<string>(
                name: "FailureReason",
                table: "Runtimes",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Status",
                table: "Runtimes",
                type: "TEXT",
                nullable: false,
                defaultValue: "Ready");

            migrationBuilder.AddColumn<string>(
                name: "Name",
                table: "AccessKeys",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Policy",
                table: "AccessKeys",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "RevokedAt",
                table: "AccessKeys",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "ClientTokens",
                columns: table => new
                {
                    Operation = table.Column<string>(type: "TEXT", nullable: false),
                    Token = table.Column<string>(type: "TEXT", nullable: false),
                    RequestSha256 = table.Column<string>(type: "TEXT", nullable: false),
                    ResourceId = table.Column<string>(type: "TEXT", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ClientTokens", x => new { x.Operation, x.Token });
                });

            migrationBuilder.CreateTable(
                name: "ResourcePolicies",
                columns: table => new
                {
                    ResourceArn = table.Column<string>(type: "TEXT", nullable: false),
                    Policy = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ResourcePolicies", x => x.ResourceArn);
                });

            migrationBuilder.CreateTable(
                name: "RuntimeEndpoints",
                columns: table => new
                {
                    RuntimeId = table.Column<string>(type: "TEXT", nullable: false),
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    LiveVersion = table.Column<int>(type: "INTEGER", nullable: true),
                    TargetVersion = table.Column<int>(type: "INTEGER", nullable: false),
                    Description = table.Column<string>(type: "TEXT", nullable: true),
                    Status = table.Column<string>(type: "TEXT", nullable: false),
                    FailureReason = table.Column<string>(type: "TEXT", nullable: true),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    LastUpdatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_RuntimeEndpoints", x => new { x.RuntimeId, x.Name });
                    table.ForeignKey(
                        name: "FK_RuntimeEndpoints_Runtimes_RuntimeId",
                        column: x => x.RuntimeId,
                        principalTable: "Runtimes",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "RuntimeVersions",
                columns: table => new
                {
                    RuntimeId = table.Column<string>(type: "TEXT", nullable: false),
                    Version = table.Column<int>(type: "INTEGER", nullable: false),
                    Configuration = table.Column<string>(type: "TEXT", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    Status = table.Column<string>(type: "TEXT", nullable: false),
                    FailureReason = table.Column<string>(type: "TEXT", nullable: true),
                    ImageDigest = table.Column<string>(type: "TEXT", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_RuntimeVersions", x => new { x.RuntimeId, x.Version });
                    table.ForeignKey(
                        name: "FK_RuntimeVersions_Runtimes_RuntimeId",
                        column: x => x.RuntimeId,
                        principalTable: "Runtimes",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "Tags",
                columns: table => new
                {
                    ResourceArn = table.Column<string>(type: "TEXT", nullable: false),
                    Key = table.Column<string>(type: "TEXT", nullable: false),
                    Value = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_Tags", x => new { x.ResourceArn, x.Key });
                });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "ClientTokens");

            migrationBuilder.DropTable(
                name: "ResourcePolicies");

            migrationBuilder.DropTable(
                name: "RuntimeEndpoints");

            migrationBuilder.DropTable(
                name: "RuntimeVersions");

            migrationBuilder.DropTable(
                name: "Tags");

            migrationBuilder.DropColumn(
                name: "Version",
                table: "Sessions");

            migrationBuilder.DropColumn(
                name: "FailureReason",
                table: "Runtimes");

            migrationBuilder.DropColumn(
                name: "Status",
                table: "Runtimes");

            migrationBuilder.DropColumn(
                name: "Name",
                table: "AccessKeys");

            migrationBuilder.DropColumn(
                name: "Policy",
                table: "AccessKeys");

            migrationBuilder.DropColumn(
                name: "RevokedAt",
                table: "AccessKeys");

            migrationBuilder.RenameColumn(
                name: "Principal",
                table: "ShellConnections",
                newName: "AccessKeyId");

            migrationBuilder.RenameColumn(
                name: "Principal",
                table: "Sessions",
                newName: "AccessKeyId");

            migrationBuilder.DropColumn(
                name: "LatestVersion",
                table: "Runtimes");

            migrationBuilder.DropColumn(
                name: "LastUpdatedAt",
                table: "Runtimes");

            migrationBuilder.AddColumn<int>(
                name: "MaxLifetimeSeconds",
                table: "Runtimes",
                type: "INTEGER",
                nullable: false,
                defaultValue: 28800);

            migrationBuilder.AddColumn<int>(
                name: "IdleTimeoutSeconds",
                table: "Runtimes",
                type: "INTEGER",
                nullable: false,
                defaultValue: 900);
        }
    }
}
